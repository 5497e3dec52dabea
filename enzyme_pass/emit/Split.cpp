//===- Split.cpp - How: variables first, then move blocks -----------------===//
///
/// \file
/// Once variables have become SSA values, whatever crosses the cut is an
/// operand of the reverse sweep that the forward sweep defines: it dominates
/// the cut, so it can be stored there. Both halves take their blocks from the
/// derivative itself, nothing is cloned.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/emit/Split.h"
#include "core/Check.h"
#include "llvm/ADT/DepthFirstIterator.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/PromoteMemToReg.h"

using namespace llvm;

namespace pyfront {

namespace {

class Splitter {
public:
  Splitter(Derivative &D, BasicBlock *Turn)
      : D(D), G(*D.G), Turn(Turn), Tape(D.tape()) {}

  void run() {
    dropDeadBlocks();
    promoteVariables();
    findCrossing();
    openTape();
    endForward();
    makeReverse();
    makeForward();
    G.eraseFromParent();
  }

private:
  void dropDeadBlocks();
  void promoteVariables();
  void findCrossing();
  void addMemory(AllocaInst *Variable);
  void openTape();
  void endForward();
  void makeReverse();
  void makeForward();
  /// Where a field of the frame is.
  Value *fieldAt(IRBuilder<> &B, Value *Frame, uint64_t Offset) {
    return B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Frame, Offset);
  }
  uint64_t addField(uint64_t Bytes, Align A) {
    uint64_t Offset = alignTo(FrameBytes, A);
    FrameBytes = Offset + Bytes;
    return Offset;
  }
  bool isReverse(const Value *User) const {
    return Reverse.contains(cast<Instruction>(User)->getParent());
  }
  /// Whether the reverse half has a parameter of its own for `A`.
  bool isParameterOfReverse(const Argument *A) const {
    return A == D.Seed || is_contained(D.Extra, A);
  }
  Function *declare(StringRef Suffix, ArrayRef<Type *> Params);
  /// `To`, in a half, becomes what `From` was in the derivative.
  void takeParameter(Argument *From, Argument *To);

  Derivative &D;
  Function &G;
  BasicBlock *Turn;
  /// The forward sweep's last block.
  BasicBlock *Last = nullptr;
  CallInst *Tape;
  /// In the forward half: the frame, and the end.
  Value *Frame = nullptr;
  ReturnInst *End = nullptr;
  SetVector<BasicBlock *> Reverse;
  /// Instructions and arguments that cross, and memory of both halves, with
  /// their offsets in the frame.
  MapVector<Value *, uint64_t> Values;
  MapVector<AllocaInst *, uint64_t> Memory;
  /// Variables of the reverse half alone.
  SmallVector<AllocaInst *, 8> Local;
  uint64_t FrameBytes = 0;
};

/// What neither half reaches would belong to none. A kernel that always raises
/// does not reach its end, but it has one.
void Splitter::dropDeadBlocks() {
  Last = Turn->getSinglePredecessor();
  PF_CHECK(Last && Last->getSingleSuccessor(), "the cut is not an edge");
  df_iterator_default_set<BasicBlock *> Reached;
  for (BasicBlock *Root : {&G.getEntryBlock(), Turn, Last})
    for (BasicBlock *BB : depth_first_ext(Root, Reached))
      (void)BB;
  SmallVector<BasicBlock *, 8> Dead;
  for (BasicBlock &BB : G)
    if (!Reached.contains(&BB))
      Dead.push_back(&BB);
  DeleteDeadBlocks(Dead);
}

void Splitter::promoteVariables() {
  SmallVector<AllocaInst *, 32> Variables;
  for (Instruction &I : G.getEntryBlock())
    if (auto *Variable = dyn_cast<AllocaInst>(&I);
        Variable && isAllocaPromotable(Variable))
      Variables.push_back(Variable);
  DominatorTree DT(G);
  PromoteMemToReg(Variables, DT);
  // What only dead code reads need not cross.
  for (BasicBlock &BB : G)
    SimplifyInstructionsInBlock(&BB);
}

void Splitter::findCrossing() {
  for (BasicBlock *BB : depth_first(Turn))
    Reverse.insert(BB);
  for (BasicBlock &BB : G)
    if (Reverse.contains(&BB))
      for (Instruction &I : BB)
        for (Value *Op : I.operands()) {
          if (auto *Variable = dyn_cast<AllocaInst>(Op)) {
            addMemory(Variable);
            continue;
          }
          auto *A = dyn_cast<Argument>(Op);
          auto *Defined = dyn_cast<Instruction>(Op);
          bool Crosses = A ? !isParameterOfReverse(A)
                           : Defined && Defined != Tape && !isReverse(Defined);
          if (!Crosses || Values.contains(Op))
            continue;
          const DataLayout &DL = G.getDataLayout();
          Values[Op] = addField(DL.getTypeStoreSize(Op->getType()),
                                DL.getABITypeAlign(Op->getType()));
        }
}

void Splitter::addMemory(AllocaInst *Variable) {
  if (Memory.contains(Variable) || is_contained(Local, Variable))
    return;
  if (all_of(Variable->users(), [&](const User *U) { return isReverse(U); })) {
    Local.push_back(Variable);
    return;
  }
  std::optional<TypeSize> Size = Variable->getAllocationSize(G.getDataLayout());
  PF_CHECK(Size && !Size->isScalable(), "a variable without a size");
  Memory[Variable] = addField(Size->getFixedValue(), Variable->getAlign());
}

Function *Splitter::declare(StringRef Suffix, ArrayRef<Type *> Params) {
  auto *Ty = FunctionType::get(G.getReturnType(), Params, false);
  Function *F = Function::Create(Ty, GlobalValue::ExternalLinkage,
                                 D.P.Req.Name + Suffix, *G.getParent());
  F->setDoesNotThrow();
  return F;
}

void Splitter::takeParameter(Argument *From, Argument *To) {
  To->takeName(From);
  AttrBuilder Attributes(G.getContext(),
                         G.getAttributes().getParamAttrs(From->getArgNo()));
  To->addAttrs(Attributes);
  From->replaceAllUsesWith(To);
}

/// The tape is opened before anything else; without memory the call ends there.
void Splitter::openTape() {
  Tape->setArgOperand(0, ConstantInt::get(D.i64(), FrameBytes));
  BasicBlock &Enter = G.getEntryBlock();
  Tape->moveBefore(Enter, Enter.begin());
  for (Instruction &I : make_early_inc_range(Enter))
    if (isa<AllocaInst>(I))
      I.moveBefore(Enter, Enter.begin());
  Instruction *Next = Tape->getNextNode();
  IRBuilder<> B(Next);
  MDNode *Rare = MDBuilder(G.getContext()).createUnlikelyBranchWeights();
  Instruction *Then =
      SplitBlockAndInsertIfThen(B.CreateIsNull(Tape), Next->getIterator(),
                                /*Unreachable=*/true, Rare);
  ReturnInst::Create(G.getContext(), B.getInt32(OutOfMemoryStatus),
                     Then->getIterator());
  Then->eraseFromParent();
  B.SetInsertPoint(Next);
  Frame = B.CreateLoad(D.ptr(), Tape, "frame");
  for (auto [Variable, Offset] : Memory)
    Variable->replaceUsesWithIf(fieldAt(B, Frame, Offset), [&](Use &U) {
      return !isReverse(U.getUser());
    });
}

void Splitter::endForward() {
  Instruction *Branch = Last->getTerminator();
  IRBuilder<> B(Branch);
  for (auto [V, Offset] : Values)
    D.tag(B.CreateStore(V, fieldAt(B, Frame, Offset)), Side::Tape);
  End = B.CreateRet(B.getInt32(0));
  Branch->eraseFromParent();
}

/// The reverse half: frame fields in place of what crosses. Comes first, so
/// that afterwards every use of `G`'s parameters is one of the forward half.
void Splitter::makeReverse() {
  SmallVector<Type *, 16> Params{D.ptr()};
  SmallVector<Argument *, 16> Taken;
  for (Argument *A : D.Extra)
    if (A)
      Taken.push_back(A);
  if (D.Seed)
    Taken.push_back(D.Seed);
  for (Argument *A : Taken)
    Params.push_back(A->getType());
  Function *F = declare(halves::Reverse, Params);
  F->getArg(0)->setName("tape");
  F->getArg(0)->addAttr(Attribute::NoAlias);

  auto *Enter = BasicBlock::Create(G.getContext(), "enter", F);
  for (BasicBlock *BB : Reverse)
    BB->removeFromParent();
  for (BasicBlock *BB : Reverse)
    BB->insertInto(F);
  for (AllocaInst *Variable : Local)
    Variable->moveBefore(*Enter, Enter->end());
  IRBuilder<> B(Enter);
  Value *Ours = B.CreateLoad(D.ptr(), F->getArg(0), "frame");
  auto IsOurs = [&](Use &U) {
    return cast<Instruction>(U.getUser())->getFunction() == F;
  };
  for (auto [V, Offset] : Values) {
    LoadInst *Field =
        B.CreateLoad(V->getType(), fieldAt(B, Ours, Offset), V->getName());
    D.tag(Field, Side::Tape);
    V->replaceUsesWithIf(Field, IsOurs);
  }
  for (auto [Variable, Offset] : Memory) {
    Variable->replaceUsesWithIf(fieldAt(B, Ours, Offset), IsOurs);
    Variable->eraseFromParent();
  }
  Tape->replaceUsesWithIf(F->getArg(0), IsOurs);
  B.CreateBr(Turn);
  for (unsigned I = 0; I < Taken.size(); ++I)
    takeParameter(Taken[I], F->getArg(I + 1));
}

/// The forward half: all that is left.
void Splitter::makeForward() {
  SmallVector<Type *, 32> Params;
  SmallVector<Argument *, 32> Taken;
  for (Argument &A : G.args())
    if (!isParameterOfReverse(&A)) {
      Taken.push_back(&A);
      Params.push_back(A.getType());
    }
  Params.push_back(D.ptr());
  Function *F = declare(halves::Forward, Params);
  F->splice(F->begin(), &G);
  for (unsigned I = 0; I < Taken.size(); ++I)
    takeParameter(Taken[I], F->getArg(I));
  Argument *TapeOut = F->getArg(Taken.size());
  TapeOut->setName("tape.out");
  TapeOut->addAttr(Attribute::NoAlias);
  IRBuilder<> B(End);
  B.CreateStore(Tape, TapeOut);
}

} // namespace

void splitDerivative(Derivative &D, BasicBlock *Turn) {
  Splitter(D, Turn).run();
}

} // namespace pyfront
