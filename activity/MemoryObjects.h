//===- MemoryObjects.h - Which memory a pointer may point into ------------===//
///
/// \file
/// The kernel's memory, cut into objects, and for every pointer the objects
/// that it may point into. Flow-insensitive: a pointer has one set.
///
///   %local = call @pyfront.allocate(...)      object 2  allocation `local`
///   %p = phi [%u, ...], [%local, ...]         {u, local}
///   %g = gep %p, %i                           {u, local}
///
/// Objects are disjoint, but for array arguments of a request that says
/// `may_alias`: these may overlap others of the same annotation and element
/// type. (The entry has refused all other overlaps.) What happens to one of them may then have
/// happened to any of these; `touched` says so, and no analysis asks for less.
///
/// Memory that the kernel owns (allocations, stack) may keep pointers, as
/// tables of arrays do. What is stored anywhere in such an object is its
/// content, and a pointer that is loaded from it may point into all of that:
///
///   store %local, %table[k]; %q = load %table[j]       %q: {local}
///
/// provided that nothing but pointers (and zeros) is ever written there. The
/// set of a pointer that comes back from any other memory, or from an integer,
/// is *unknown* (F2: unknown is a value, not a failure; it may point into
/// anything).
///
/// `mayTouch` is the answer to whether two accesses (Accesses.h) may meet.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_MEMORYOBJECTS_H
#define PYFRONT_ACTIVITY_MEMORYOBJECTS_H

#include "activity/Accesses.h"
#include "core/NormalFunction.h"
#include "core/Request.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"

namespace pyfront {

enum class ObjectKind {
  Argument,   ///< the elements of an array argument
  Allocation, ///< `@pyfront.allocate`
  Stack,      ///< an alloca
  Returned,   ///< an array that the kernel returns, `@pyfront.returned`
  Result,     ///< where the kernel stores its return value
  Literal,    ///< constant memory: a global array of the kernel
  Outside,    ///< the rest: exception info, other globals
};

struct MemoryObject {
  ObjectKind Kind = ObjectKind::Outside;
  /// The pointer to its first byte.
  llvm::Value *Base = nullptr;
  /// For an argument, or an array that is returned: its place in the request.
  int Arg = -1;
  std::string Name;
};

class MemoryObjects {
public:
  MemoryObjects(const NormalFunction &N, const Request &Req);

  unsigned size() const { return Objects.size(); }
  const MemoryObject &operator[](unsigned I) const { return Objects[I]; }

  /// The objects that `Ptr` may point into; meaningless if `isUnknown(Ptr)`.
  llvm::ArrayRef<unsigned> pointsTo(const llvm::Value *Ptr) const;
  bool isUnknown(const llvm::Value *Ptr) const;
  /// Whether all that `Ptr` may point into is memory whose pointers are known.
  bool holdsKnownPointers(const llvm::Value *Ptr) const;
  /// The objects that a pointer kept in object `O` may point into.
  llvm::ArrayRef<unsigned> contentOf(unsigned O) const { return Content[O]; }
  /// The objects that an access through `Ptr` may touch: those that it may
  /// point into and those that may overlap one of them.
  llvm::SmallVector<unsigned, 4> touched(const llvm::Value *Ptr) const;
  /// Whether two accesses may be of the same byte, by their objects alone,
  /// whenever each of them runs.
  bool mayTouch(const Access &A, const Access &B) const;
  /// The same for two that run within one iteration of loop `L`.
  bool mayTouchIn(int L, const Access &A, const Access &B,
                  const NormalFunction &N) const;
  bool mayOverlap(unsigned A, unsigned B) const;

  /// The object whose base is `V`, or -1.
  int objectAt(const llvm::Value *V) const;

  /// The pointer at the root of a chain of geps.
  static llvm::Value *rootOf(llvm::Value *Ptr);

  /// The objects, and where the addresses of the accesses may point.
  void print(llvm::raw_ostream &OS, const NormalFunction &N) const;

private:
  unsigned add(MemoryObject O);
  void collect(const NormalFunction &N, const Request &Req);
  void collectOverlaps(const Request &Req);
  void propagate(const NormalFunction &N);
  bool propagateWrite(const Access &Write);
  bool propagateCall(const llvm::CallBase &Call);
  bool propagateLoad(const llvm::LoadInst &I);
  bool forgetContent(const Access &Write);
  void findExchangedPhis(const NormalFunction &N);
  bool merge(const llvm::Value *Into, const llvm::Value *From);
  static bool include(llvm::SmallVector<unsigned, 2> &Set,
                      llvm::ArrayRef<unsigned> More);

  llvm::SmallVector<MemoryObject, 8> Objects;
  llvm::DenseMap<const llvm::Value *, llvm::SmallVector<unsigned, 2>> Sets;
  llvm::DenseMap<const llvm::Value *, char> Unknown;
  /// By object: what its pointers point into, and whether that is not known.
  llvm::SmallVector<llvm::SmallVector<unsigned, 2>, 8> Content;
  llvm::SmallVector<bool, 8> IsOpaque;
  llvm::DenseMap<const llvm::Value *, unsigned> ByBase;
  /// Header phis that loop `second` permutes among each other (buffers swapped
  /// by name), with the number of their group: phis of one group never hold the
  /// same object in one iteration.
  llvm::DenseMap<const llvm::Value *, std::pair<unsigned, int>> ExchangeGroup;
  /// By object: those that may overlap it, itself first.
  llvm::SmallVector<llvm::SmallVector<unsigned, 2>, 8> Overlapping;
};

} // namespace pyfront

#endif
