//===- ActivityFacts.h - Which values carry a derivative ------------------===//
///
/// \file
///   varied   depends on an active input
///   useful   an active output depends on it
///   active   both
///
/// Forward for `varied`, backward for `useful`, through SSA values and through
/// memory objects (flow-insensitive per object), as one fixed point
/// [Hascoet and Pascual, The Tapenade tool, 2013].
///
/// Inputs: `Active` scalars and the content of `Duplicated` arrays. Outputs:
/// the final content of `Duplicated` arrays and a float result. A `Const` array
/// is neither, but it may still *hold* active data in between (workspace): then
/// it is an active object and the plan gives it a shadow of its own.
///
/// Integers carry no derivative: a conversion to an integer and a comparison
/// end variedness. Bits of a float taken as an integer (a bitcast) do not: such
/// an integer is varied, and if it is useful the planner refuses it.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_ACTIVITYFACTS_H
#define PYFRONT_ACTIVITY_ACTIVITYFACTS_H

#include "activity/MemoryObjects.h"
#include "llvm/ADT/DenseSet.h"

namespace pyfront {

class ActivityFacts {
public:
  ActivityFacts(const NormalFunction &N, const Request &Req,
                const MemoryObjects &Objects);

  bool isVaried(const llvm::Value *V) const { return Varied.contains(V); }
  bool isUseful(const llvm::Value *V) const { return Useful.contains(V); }
  bool isActive(const llvm::Value *V) const {
    return isVaried(V) && isUseful(V);
  }
  /// Whether the object holds active data at some time. All objects that one
  /// pointer may point into are active if one is.
  bool isActiveObject(unsigned O) const { return ActiveObjects[O]; }
  /// Whether the object keeps pointers into active objects, or into such
  /// objects in turn: its shadow then keeps the pointers to their shadows.
  bool isActiveTable(unsigned O) const { return ActiveTables[O]; }
  bool hasShadow(unsigned O) const {
    return isActiveObject(O) || isActiveTable(O);
  }
  /// Whether it may point to memory that holds what is varied.
  bool isVariedMemory(const llvm::Value *Ptr) const {
    return anyOf(VariedObjects, Ptr);
  }
  /// Whether the pointer may point into an active object.
  bool isActiveMemory(const llvm::Value *Ptr) const;

  void print(llvm::raw_ostream &OS, const NormalFunction &N) const;

private:
  void seed(const NormalFunction &N, const Request &Req);
  bool propagateVaried(const NormalFunction &N);
  bool propagateUseful(const NormalFunction &N);
  bool propagateVariedThrough(const llvm::CallBase &Call);
  bool propagateUsefulThrough(const llvm::CallBase &Call);
  bool uniteResults(const llvm::CallBase &Call);
  void uniteActiveObjects(const NormalFunction &N);
  void findTables(const NormalFunction &N);
  bool markUseful(const llvm::Value *V);
  /// Marks all that an access through `Ptr` may touch; whether that is new.
  bool markAll(llvm::SmallVectorImpl<bool> &Marks, const llvm::Value *Ptr);
  bool anyOf(const llvm::SmallVectorImpl<bool> &Marks,
             const llvm::Value *Ptr) const;
  /// Whether what is written is varied.
  bool variesMemory(const Access &Write) const;

  const MemoryObjects &Objects;
  llvm::DenseSet<const llvm::Value *> Varied, Useful;
  llvm::SmallVector<bool, 8> VariedObjects, UsefulObjects, ActiveObjects,
      ActiveTables;
};

/// The operands through which a derivative flows from or into `I`'s result,
/// loads and stores aside.
llvm::SmallVector<unsigned, 4>
differentiableOperands(const llvm::Instruction &I);

} // namespace pyfront

#endif
