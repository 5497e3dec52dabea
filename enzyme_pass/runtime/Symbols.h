//===- Symbols.h - What derivatives may call ------------------------------===//
///
/// \file
/// The run-time functions that emitted IR calls by name, with their addresses,
/// for the JIT. The list is the contract: the emitter declares no `pyfront_`
/// function that is not in it.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_RUNTIME_SYMBOLS_H
#define PYFRONT_RUNTIME_SYMBOLS_H

#include "llvm/ADT/ArrayRef.h"

namespace pyfront {

struct RuntimeSymbol {
  const char *Name;
  void *Address;
};

llvm::ArrayRef<RuntimeSymbol> runtimeSymbols();

} // namespace pyfront

#endif // PYFRONT_RUNTIME_SYMBOLS_H
