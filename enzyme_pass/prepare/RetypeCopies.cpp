//===- RetypeCopies.cpp - Floats that are moved as integers ---------------===//
///
/// \file
///   memcpy(%p, %q, 8)   ->   %v = load i64, %q      ->   %v = load double, %q
///                            store i64 %v, %p            store double %v, %p
///
/// LLVM writes a copy of few bytes as a load and a store of an integer. Where
/// what is loaded is stored and nothing else, and all else that is known of the
/// memory is floats of that size, it is a copy of a float.
//===----------------------------------------------------------------------===//
#include "activity/MemoryObjects.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

namespace {

/// What is known of the elements of an object.
struct Elements {
  Type *Ty = nullptr;
  bool IsMixed = false;

  void join(Type *T) {
    IsMixed |= Ty && T && Ty != T;
    if (T)
      Ty = T;
  }
};

bool isCopy(const Instruction &I) {
  auto *Load = dyn_cast<LoadInst>(&I);
  return Load && Load->isSimple() &&
         (Load->getType()->isIntegerTy(64) ||
          Load->getType()->isIntegerTy(32)) &&
         !Load->use_empty() && all_of(Load->users(), [&](const User *U) {
           auto *Store = dyn_cast<StoreInst>(U);
           return Store && Store->isSimple() &&
                  Store->getValueOperand() == Load &&
                  Store->getPointerOperand() != Load;
         });
}

class CopyTyper {
public:
  CopyTyper(NormalFunction &N, const Request &Req)
      : N(N), Objects(N, Req), Known(Objects.size()) {
    for (unsigned O = 0; O < Objects.size(); ++O) {
      Classes.insert(O);
      LLVMContext &C = N.F->getContext();
      if (Objects[O].Kind == ObjectKind::Argument)
        Known[O].join(floatOf(C, Req.Args[Objects[O].Arg].Type));
      if (Objects[O].Kind == ObjectKind::Returned)
        Known[O].join(floatOf(C, Req.Arrays[Objects[O].Arg].Type));
    }
    for (Instruction &I : instructions(*N.F))
      if (isCopy(I))
        Copies.push_back(cast<LoadInst>(&I));
  }

  void run() {
    if (Copies.empty())
      return;
    for (const Instruction &I : instructions(*N.F))
      for (const Access &A : accessesOf(I))
        note(A);
    for (LoadInst *Load : Copies)
      if (Type *Ty = typeOf(*Load))
        retype(*Load, Ty);
  }

private:
  /// What is no float is of the integers' type, whatever it is.
  static Type *floatOf(LLVMContext &C, ScalarType T) {
    if (!isFloat(T))
      return Type::getInt64Ty(C);
    return T == ScalarType::F64 ? Type::getDoubleTy(C) : Type::getFloatTy(C);
  }
  bool isPartOfCopy(const Instruction &I) const {
    auto *Store = dyn_cast<StoreInst>(&I);
    const Value *V = Store ? Store->getValueOperand() : &I;
    return is_contained(Copies, V);
  }
  void unite(ArrayRef<unsigned> Some) {
    for (unsigned O : Some)
      Classes.unionSets(Some.front(), O);
  }
  void note(const Access &A) {
    if (A.isAnything())
      return;
    unite(Objects.pointsTo(A.Ptr));
    if (A.From && !Objects.pointsTo(A.From).empty() &&
        !Objects.pointsTo(A.Ptr).empty())
      Classes.unionSets(Objects.pointsTo(A.Ptr).front(),
                        Objects.pointsTo(A.From).front());
    if (isPartOfCopy(*A.I)) {
      for (const User *U : copyOf(*A.I)->users())
        if (ArrayRef<unsigned> To =
                Objects.pointsTo(cast<StoreInst>(U)->getPointerOperand());
            !To.empty() && !Objects.pointsTo(A.Ptr).empty())
          Classes.unionSets(To.front(), Objects.pointsTo(A.Ptr).front());
      return;
    }
    for (unsigned O : Objects.pointsTo(A.Ptr))
      Known[O].join(A.Element ? A.Element : A.Elements);
  }
  const LoadInst *copyOf(const Instruction &I) const {
    auto *Store = dyn_cast<StoreInst>(&I);
    return cast<LoadInst>(Store ? Store->getValueOperand() : &I);
  }
  /// The float that `Load` copies, if it does.
  Type *typeOf(const LoadInst &Load) const {
    ArrayRef<unsigned> From = Objects.pointsTo(Load.getPointerOperand());
    if (Objects.isUnknown(Load.getPointerOperand()) || From.empty())
      return nullptr;
    Elements All;
    for (auto It = Classes.findLeader(From.front()); It != Classes.member_end();
         ++It) {
      All.join(Known[*It].Ty);
      All.IsMixed |= Known[*It].IsMixed;
    }
    bool IsFloat = All.Ty && !All.IsMixed && All.Ty->isFloatingPointTy() &&
                   All.Ty->getPrimitiveSizeInBits() ==
                       Load.getType()->getPrimitiveSizeInBits();
    return IsFloat ? All.Ty : nullptr;
  }
  static void retype(LoadInst &Load, Type *Ty) {
    IRBuilder<> B(&Load);
    LoadInst *Value =
        B.CreateAlignedLoad(Ty, Load.getPointerOperand(), Load.getAlign());
    Value->setDebugLoc(Load.getDebugLoc());
    Value->takeName(&Load);
    for (User *U : make_early_inc_range(Load.users()))
      cast<StoreInst>(U)->setOperand(0, Value);
    Load.eraseFromParent();
  }

  NormalFunction &N;
  MemoryObjects Objects;
  std::vector<Elements> Known;
  EquivalenceClasses<unsigned> Classes;
  SmallVector<LoadInst *, 8> Copies;
};

} // namespace

void retypeCopies(NormalFunction &N, const Request &Req) {
  CopyTyper(N, Req).run();
}

} // namespace pyfront
