//===- Split.cpp - How: variables first, then move blocks -----------------===//
///
/// \file
/// Both halves take their blocks from the derivative itself, nothing is cloned.
/// What crosses the cut goes through the frame, as planned (Frame.h), so that
/// but for the tape and the parameters of its own the reverse half uses nothing
/// that the forward half defines.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/emit/Split.h"
#include "core/Check.h"
#include "llvm/ADT/DepthFirstIterator.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace pyfront {

namespace {

class Splitter {
public:
  explicit Splitter(Derivative &D)
      : D(D), G(*D.G), Turn(D.Turn), Tape(D.tape()) {}

  void run() {
    dropDeadBlocks();
    openTape();
    endForward();
    makeReverse();
    makeForward();
    G.eraseFromParent();
  }

private:
  void dropDeadBlocks();
  void openTape();
  void endForward();
  void makeReverse();
  void makeForward();
  void checkReverse(const Function &F) const;
  /// Whether the reverse half has a parameter of its own for `A`.
  bool isParameterOfReverse(const Argument *A) const {
    return A == D.Seed || is_contained(D.Derivatives, A);
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
  /// The end of the forward half.
  ReturnInst *End = nullptr;
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

Function *Splitter::declare(StringRef Suffix, ArrayRef<Type *> Params) {
  auto *Ty = FunctionType::get(G.getReturnType(), Params, false);
  return define(*G.getParent(), Ty, D.P.Req.Name + Suffix);
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
}

void Splitter::endForward() {
  Instruction *Branch = Last->getTerminator();
  End = IRBuilder<>(Branch).CreateRet(
      ConstantInt::get(Type::getInt32Ty(G.getContext()), 0));
  Branch->eraseFromParent();
}

/// Comes first, so that afterwards every use of `G`'s parameters is one of the
/// forward half.
void Splitter::makeReverse() {
  SmallVector<Type *, 16> Params{D.ptr()};
  SmallVector<Argument *, 16> Taken;
  for (Argument *A : D.Derivatives)
    if (A)
      Taken.push_back(A);
  if (D.Seed)
    Taken.push_back(D.Seed);
  for (Argument *A : Taken)
    Params.push_back(A->getType());
  Function *F = declare(halves::Reverse, Params);
  F->getArg(0)->setName("tape");
  // A kept pointer may lead into memory that the frame holds, and what is loaded
  // from the tape is not based on it.
  if (none_of(D.P.Frame, [](const FrameField &Field) {
        return Field.Holds == FrameField::Content::Memory;
      }))
    F->getArg(0)->addAttr(Attribute::NoAlias);

  SetVector<BasicBlock *> Reverse;
  for (BasicBlock *BB : depth_first(Turn))
    Reverse.insert(BB);
  for (BasicBlock *BB : Reverse)
    BB->removeFromParent();
  for (BasicBlock *BB : Reverse)
    BB->insertInto(F);
  Tape->replaceUsesWithIf(F->getArg(0), [&](Use &U) {
    return cast<Instruction>(U.getUser())->getFunction() == F;
  });
  for (unsigned I = 0; I < Taken.size(); ++I)
    takeParameter(Taken[I], F->getArg(I + 1));
  checkReverse(*F);
}

void Splitter::checkReverse(const Function &F) const {
  for (const Instruction &I : instructions(F))
    for (const Value *Op : I.operands()) {
      auto *A = dyn_cast<Argument>(Op);
      auto *Defined = dyn_cast<Instruction>(Op);
      PF_CHECK((!A || A->getParent() == &F) &&
                   (!Defined || Defined->getFunction() == &F),
               "the reverse half uses what is not in the frame");
    }
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

void splitDerivative(Derivative &D) { Splitter(D).run(); }

} // namespace pyfront
