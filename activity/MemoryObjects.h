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
/// `may_alias`: these may overlap each other.
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
/// Escape is answered here as well: an object escapes where its address is
/// stored in other memory than that, returned, turned into an integer or given
/// to an unknown call.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_MEMORYOBJECTS_H
#define PYFRONT_ACTIVITY_MEMORYOBJECTS_H

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
  Result,     ///< where the kernel stores its return value
  Literal,    ///< constant memory: a global array of the kernel
  Outside,    ///< the rest: exception info, other globals
};

struct MemoryObject {
  ObjectKind Kind = ObjectKind::Outside;
  /// The pointer to its first byte.
  llvm::Value *Base = nullptr;
  /// For an argument: its place in the request.
  int Arg = -1;
  bool Escapes = false;
  std::string Name;
};

class MemoryObjects {
public:
  MemoryObjects(const NormalFunction &N, const Request &Req);

  unsigned size() const { return Objects.size(); }
  const MemoryObject &operator[](unsigned I) const { return Objects[I]; }

  /// The objects that `Ptr` may point into; meaningless if `isUnknown(Ptr)`.
  llvm::ArrayRef<unsigned> pointsTo(const llvm::Value *Ptr) const;
  bool isUnknown(const llvm::Value *Ptr) const { return Unknown.count(Ptr); }
  /// Whether all that `Ptr` may point into is memory whose pointers are known.
  bool holdsKnownPointers(const llvm::Value *Ptr) const;
  /// The objects that a pointer kept in object `O` may point into.
  llvm::ArrayRef<unsigned> contentOf(unsigned O) const { return Content[O]; }
  /// Whether two pointers may point to the same byte, by their objects alone,
  /// whenever each of them was computed.
  bool mayShareObject(const llvm::Value *P, const llvm::Value *Q) const;
  /// The same for two pointers used within one iteration of loop `L`.
  bool mayShareObjectIn(int L, const llvm::Value *P, const llvm::Value *Q,
                        const NormalFunction &N) const;
  bool mayOverlap(unsigned A, unsigned B) const;

  /// The object whose base is `V`, or -1.
  int objectAt(const llvm::Value *V) const;

  /// The pointer at the root of a chain of geps.
  static llvm::Value *rootOf(llvm::Value *Ptr);

  void print(llvm::raw_ostream &OS) const;

private:
  unsigned add(MemoryObject O);
  void collect(const NormalFunction &N, const Request &Req);
  void propagate(const NormalFunction &N);
  bool propagateWrite(const llvm::Instruction &I);
  bool propagateLoad(const llvm::LoadInst &I);
  bool forgetContent(const llvm::Value *Ptr);
  void findEscapes(const NormalFunction &N);
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
  bool MayAlias = false;
};

} // namespace pyfront

#endif
