//===- KeepCalls.h - Which calls stay calls -------------------------------===//
///
/// \file
/// A function that calls itself, directly or through others, cannot be inlined,
/// and one of which there would be too many copies is not (LargeCallees.cpp).
/// Their calls become the form of core/KeptCalls.h, and they are prepared like
/// the kernel itself: the module then holds a *program*, the kernel and the
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
/// A call of a function that calls itself is refused below a `try`: there a
/// status would be a value.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PREPARE_KEEPCALLS_H
#define PYFRONT_PREPARE_KEEPCALLS_H

#include "core/Request.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/SmallVector.h"
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

/// The functions that stay because of their size, the largest saving first;
/// those in `Recursive` stay anyway.
llvm::SmallVector<llvm::Function *, 4>
largeCallees(llvm::Module &M, llvm::Function &Kernel, const Request &Req,
             const llvm::SmallPtrSetImpl<llvm::Function *> &Recursive);

/// Chooses the functions that stay, and rewrites their calls everywhere.
std::vector<KeptFunction> keepCalls(llvm::Module &M, llvm::Function &Kernel,
                                    const Request &Req);

} // namespace pyfront

#endif
