//===- KeepCalls.h - Which calls stay calls -------------------------------===//
///
/// \file
/// A function that calls itself, directly or through others, cannot be inlined.
/// Its calls become the form of core/KeptCalls.h, and it is prepared like the
/// kernel itself: the module then holds a *program*, the kernel and the
/// functions that stay.
///
///   call i32 @f(ptr %ret, ptr %exc, x)    call ptr @pyfront.call.f(ptr %r0, x)
///   ; status in %ret's neighbourhood  ->  store (load %r0), %ret
///                                         ; the status is 0
///
/// What such a function returns of arrays becomes its caller's memory:
///
///   store {.., %data, ..}, %ret     ->    %to = call ptr @pyfront.returned(0, n)
///                                         memcpy %to, %data, n
///
/// A call below a `try` is refused: there a status would be a value.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PREPARE_KEEPCALLS_H
#define PYFRONT_PREPARE_KEEPCALLS_H

#include "core/Request.h"
#include "llvm/IR/Module.h"
#include <vector>

namespace pyfront {

/// Loads of a symbol that Numba leaves for its linker, where a function calls
/// itself, become the function.
void resolveRecursion(llvm::Module &M);

/// A function that stays, and what is known of it.
struct KeptFunction {
  llvm::Function *F = nullptr;
  const FunctionInfo *Info = nullptr;
};

/// Chooses the functions that stay, and rewrites their calls everywhere.
std::vector<KeptFunction> keepCalls(llvm::Module &M, llvm::Function &Kernel,
                                    const Request &Req);

} // namespace pyfront

#endif
