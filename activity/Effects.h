//===- Effects.h - Which arguments a kernel writes ------------------------===//
///
/// \file
/// The array arguments that some path to the success exit may store to. A
/// caller who must not see his arrays changed copies these and no others.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_EFFECTS_H
#define PYFRONT_ACTIVITY_EFFECTS_H

#include "activity/MemoryObjects.h"
#include "llvm/ADT/SetVector.h"

namespace pyfront {

/// Places in the request.
llvm::SetVector<int> writtenArguments(const NormalFunction &N,
                                      const Request &Req,
                                      const MemoryObjects &Objects);

} // namespace pyfront

#endif
