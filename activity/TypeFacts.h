//===- TypeFacts.h - What an object's bytes hold --------------------------===//
///
/// \file
/// For every memory object, the type of its elements, joined over all typed
/// accesses:
///
///            mixed
///       /   |     |    \
///   float64 float32 integer pointer
///       \   |     |    /
///          untouched
///
/// Seeded by what the front end knows of array arguments. Numba's IR is honest
/// about scalars in loads and stores and preparation keeps it so. An access of
/// active data whose object is `mixed` is refused by the planner.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_TYPEFACTS_H
#define PYFRONT_ACTIVITY_TYPEFACTS_H

#include "activity/MemoryObjects.h"

namespace pyfront {

/// Ordered as in the picture: a join never goes down.
enum class ElementType { Untouched, Float64, Float32, Integer, Pointer, Mixed };

llvm::StringRef nameOf(ElementType T);

class TypeFacts {
public:
  TypeFacts(const NormalFunction &N, const Request &Req,
            const MemoryObjects &Objects);

  ElementType of(unsigned Object) const { return Elements[Object]; }
  void print(llvm::raw_ostream &OS, const MemoryObjects &Objects) const;

private:
  void join(unsigned Object, ElementType T);
  bool joinCopies(const NormalFunction &N, const MemoryObjects &Objects);
  llvm::SmallVector<ElementType, 8> Elements;
};

/// Whether a value of type `T` can carry a derivative.
inline bool isDifferentiableType(const llvm::Type *T) {
  return T->isDoubleTy() || T->isFloatTy();
}

} // namespace pyfront

#endif
