//===- Optimize.h - After emission ----------------------------------------===//
///
/// \file
/// Leaves the derivative alone in its module and cleans it up: variables become
/// SSA values, what is dead goes. LLVM's O3 for the host, with vectorization,
/// is run by Numba's own code generator when the derivative is linked.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_OPTIMIZE_OPTIMIZE_H
#define PYFRONT_OPTIMIZE_OPTIMIZE_H

#include "core/Request.h"
#include "enzyme_pass/prepare/Prepare.h"

namespace pyfront {

void finishModule(llvm::Module &M, const Request &Req, Analyses &AM);

} // namespace pyfront

#endif
