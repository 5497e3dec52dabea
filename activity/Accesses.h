//===- Accesses.h - What an instruction does to memory --------------------===//
///
/// \file
/// The one place that takes loads, stores, memory intrinsics and calls apart.
/// Every fact and every plan step asks `accessesOf`, and `MemoryObjects` which
/// of two accesses may meet; so a new memory operation is one edit here, and no
/// two analyses can disagree on what an instruction touches.
///
///   %a = load double, %p          read  %p, double, into %a
///   store double %a, %p           write %p, double, of %a
///   memset(%p, 0, %n)             write %p, %n bytes, of i8 0
///   memcpy(%p, %q, %n)            write %p, %n bytes, from %q
///                                 read  %q, %n bytes
///   call @pyfront.call.f(%r, %p)  write %r, double; write and read %p, a block
///                                 of unknown bytes (core/KeptCalls.h)
///   call @unknown(%p)             read and write of anything
///
/// Invariant: an access without a pointer may be of any memory that the kernel
/// can reach. What is not listed is not touched.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_ACCESSES_H
#define PYFRONT_ACTIVITY_ACCESSES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Instructions.h"

namespace pyfront {

struct Access {
  enum class Kind { Read, Write };

  const llvm::Instruction *I = nullptr;
  Kind How = Kind::Read;
  /// Address of the first byte; null: any memory.
  const llvm::Value *Ptr = nullptr;
  /// The type of the one value that is read or written; null: a block of bytes.
  llvm::Type *Element = nullptr;
  /// A write: the value that is written (of a block: into each of its bytes); a
  /// read of one value: that value. Null: unknown, or see `From`.
  const llvm::Value *Data = nullptr;
  /// A write of a block that is a copy: where its bytes come from.
  const llvm::Value *From = nullptr;
  /// A block's bytes; null: unknown, or see `Element`.
  const llvm::Value *Length = nullptr;
  /// The type of a block's elements, where that is known.
  llvm::Type *Elements = nullptr;

  /// A write to memory that nothing has read or written before: what was there
  /// is not lost, for nothing was.
  bool IsFresh = false;

  bool isWrite() const { return How == Kind::Write; }
  bool isAnything() const { return !Ptr; }
  /// Whether one float is read or written.
  bool isOfFloat() const { return Element && Element->isFloatingPointTy(); }
  bool isOfPointer() const { return Element && Element->isPointerTy(); }
};

/// All accesses of `I`; of a copy the write comes first.
llvm::SmallVector<Access, 2> accessesOf(const llvm::Instruction &I);

/// The writes among them.
llvm::SmallVector<Access, 2> writesOf(const llvm::Instruction &I);

} // namespace pyfront

#endif
