//===- Symbols.h - What derivatives may call ------------------------------===//
///
/// \file
/// The run-time functions that emitted IR calls by name, with their addresses,
/// for the JIT. The list is the contract: the emitter declares no `pyfront_`
/// function that is not in it. Plain C, for the run-time library has no LLVM.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_RUNTIME_SYMBOLS_H
#define PYFRONT_RUNTIME_SYMBOLS_H

#include <cstddef>

extern "C" {
size_t pyfront_runtime_symbol_count(void);
/// The name of the symbol at \p Index, null past the end.
const char *pyfront_runtime_symbol(size_t Index, void **Address);
}

#endif // PYFRONT_RUNTIME_SYMBOLS_H
