//===- Rules.cpp - Partial derivatives of scalar functions ----------------===//
///
/// \file
/// Finds rules by opcode, intrinsic or name, and evaluates the nodes of a
/// partial with an IRBuilder. Everything known about a function is in the
/// generated table.
///
//===----------------------------------------------------------------------===//

#include "core/rules/Rules.h"
#include "core/Check.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace pyfront::rules {
namespace {

enum class Op : uint8_t {
  Literal,
  IntLiteral,
  Param,
  Result,
  Neg,
  Add,
  Sub,
  Mul,
  Div,
  ToFloat,
  Call,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
  And,
  Or,
  Not,
  Select
};

/// One operation of the hash-consed pool. Target: the parameter of Param, the
/// function of Call. Args: positions of the operands, which stand before.
struct Node {
  Op Kind;
  uint8_t Target;
  uint8_t ArgCount;
  uint16_t Args[3];
  double Literal;
};

/// How a function is called in emitted code.
struct Function {
  Intrinsic::ID Intrinsic;
  const char *DoubleName;
  const char *FloatName;
};

struct Partial {
  uint16_t Root;
  /// The form to be differentiated again.
  uint16_t Again;
  uint32_t Reads;
  bool Singular;
  bool Passes;
  bool Steep;
  bool SteepAtZero;
  /// 0: none; 1: at 0; 2 + I: at 0 where operand I is negative.
  uint8_t Pole;
};

struct OpcodePlace {
  unsigned Opcode;
  uint16_t Rule;
};

struct IntrinsicPlace {
  Intrinsic::ID Intrinsic;
  uint16_t Rule;
};

/// The type of a library function's float operands, or of all of them.
enum class Width : uint8_t { F64, F32 };

struct NamePlace {
  const char *Name;
  Width Floats;
  uint16_t Rule;
};

/// A library function that returns a second value through a pointer, and the
/// pure functions that return the first and the second.
struct Split {
  const char *Name;
  const char *First;
  const char *Second;
};

struct Refusal {
  const char *Name;
  const char *Reason;
};

#include "core/rules/RuleTable.inc"

bool isLiteral(const Partial &P, double Value) {
  const Node &Root = Nodes[P.Root];
  return Root.Kind == Op::Literal && Root.Literal == Value;
}

bool isRuleType(Type *Ty) {
  Type *Scalar = Ty->getScalarType();
  return Scalar->isDoubleTy() || Scalar->isFloatTy();
}

/// Evaluates nodes for one partial; a node that is shared is emitted once.
class Evaluator {
public:
  Evaluator(IRBuilderBase &B, ArrayRef<Value *> Operands, Value *Result,
            Type *FloatTy)
      : B(B), Operands(Operands), Result(Result), FloatTy(FloatTy) {}

  Value *evaluate(uint16_t Position) {
    if (Value *Known = Done.lookup(Position))
      return Known;
    Value *V = emit(Nodes[Position]);
    Done[Position] = V;
    return V;
  }

private:
  Value *arg(const Node &N, unsigned I) { return evaluate(N.Args[I]); }

  /// The type of an integer literal is that of the operand beside it.
  std::pair<Value *, Value *> args(const Node &N) {
    if (Nodes[N.Args[0]].Kind == Op::IntLiteral) {
      Value *Right = arg(N, 1);
      return {ConstantInt::getSigned(Right->getType(),
                                     int64_t(Nodes[N.Args[0]].Literal)),
              Right};
    }
    Value *Left = arg(N, 0);
    if (Nodes[N.Args[1]].Kind == Op::IntLiteral)
      return {Left, ConstantInt::getSigned(Left->getType(),
                                           int64_t(Nodes[N.Args[1]].Literal))};
    return {Left, arg(N, 1)};
  }

  Value *emit(const Node &N);
  Value *emitArithmetic(const Node &N);
  Value *emitCompare(const Node &N);
  Value *emitCall(const Node &N);

  IRBuilderBase &B;
  ArrayRef<Value *> Operands;
  Value *Result;
  Type *FloatTy;
  SmallDenseMap<uint16_t, Value *, 16> Done;
};

Value *Evaluator::emit(const Node &N) {
  switch (N.Kind) {
  case Op::Literal:
    return ConstantFP::get(FloatTy, N.Literal);
  case Op::IntLiteral:
    PF_UNREACHABLE("an integer literal stands beside an integer value");
  case Op::Param:
    PF_CHECK(Operands[N.Target],
             "a partial reads an operand that is not given");
    return Operands[N.Target];
  case Op::Result:
    PF_CHECK(Result, "a partial reads a result that is not given");
    return Result;
  case Op::Neg:
    return B.CreateFNeg(arg(N, 0));
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::Div:
    return emitArithmetic(N);
  case Op::ToFloat:
    return B.CreateSIToFP(arg(N, 0), FloatTy);
  case Op::Call:
    return emitCall(N);
  case Op::Less:
  case Op::LessEqual:
  case Op::Greater:
  case Op::GreaterEqual:
  case Op::Equal:
  case Op::NotEqual:
    return emitCompare(N);
  case Op::And:
    return B.CreateAnd(arg(N, 0), arg(N, 1));
  case Op::Or:
    return B.CreateOr(arg(N, 0), arg(N, 1));
  case Op::Not:
    return B.CreateNot(arg(N, 0));
  case Op::Select: {
    Value *Condition = arg(N, 0), *Then = arg(N, 1), *Else = arg(N, 2);
    return B.CreateSelect(Condition, Then, Else);
  }
  }
  PF_UNREACHABLE("every kind of node is listed");
}

Value *Evaluator::emitArithmetic(const Node &N) {
  auto [Left, Right] = args(N);
  bool IsInt = Left->getType()->isIntOrIntVectorTy();
  switch (N.Kind) {
  case Op::Add:
    return IsInt ? B.CreateAdd(Left, Right) : B.CreateFAdd(Left, Right);
  case Op::Sub:
    return IsInt ? B.CreateSub(Left, Right) : B.CreateFSub(Left, Right);
  case Op::Mul:
    return IsInt ? B.CreateMul(Left, Right) : B.CreateFMul(Left, Right);
  default:
    return B.CreateFDiv(Left, Right);
  }
}

/// As in Python: a comparison with NaN is false, but for `!=`.
Value *Evaluator::emitCompare(const Node &N) {
  auto [Left, Right] = args(N);
  bool IsInt = Left->getType()->isIntOrIntVectorTy();
  auto Predicate = [&]() -> CmpInst::Predicate {
    switch (N.Kind) {
    case Op::Less:
      return IsInt ? CmpInst::ICMP_SLT : CmpInst::FCMP_OLT;
    case Op::LessEqual:
      return IsInt ? CmpInst::ICMP_SLE : CmpInst::FCMP_OLE;
    case Op::Greater:
      return IsInt ? CmpInst::ICMP_SGT : CmpInst::FCMP_OGT;
    case Op::GreaterEqual:
      return IsInt ? CmpInst::ICMP_SGE : CmpInst::FCMP_OGE;
    case Op::Equal:
      return IsInt ? CmpInst::ICMP_EQ : CmpInst::FCMP_OEQ;
    default:
      return IsInt ? CmpInst::ICMP_NE : CmpInst::FCMP_UNE;
    }
  };
  return B.CreateCmp(Predicate(), Left, Right);
}

Value *Evaluator::emitCall(const Node &N) {
  const Function &F = Functions[N.Target];
  SmallVector<Value *, 2> Args;
  for (unsigned I = 0; I < N.ArgCount; ++I) {
    const Node &Arg = Nodes[N.Args[I]];
    Args.push_back(Arg.Kind == Op::IntLiteral
                       ? B.getInt32(static_cast<uint32_t>(Arg.Literal))
                       : arg(N, I));
  }
  Module &M = *B.GetInsertBlock()->getModule();
  if (F.Intrinsic != Intrinsic::not_intrinsic) {
    SmallVector<Type *, 2> Overloads = {FloatTy};
    if (Args.size() == 2 && Args[1]->getType() != FloatTy)
      Overloads.push_back(Args[1]->getType());
    return B.CreateIntrinsic(F.Intrinsic, Overloads, Args);
  }
  PF_CHECK(!FloatTy->isVectorTy(), "library functions take scalars");
  SmallVector<Type *, 2> Params;
  for (Value *Arg : Args)
    Params.push_back(Arg->getType());
  FunctionCallee Callee = M.getOrInsertFunction(
      FloatTy->isDoubleTy() ? F.DoubleName : F.FloatName,
      FunctionType::get(FloatTy, Params, /*isVarArg=*/false));
  CallInst *Call = B.CreateCall(Callee, Args);
  // errno is nothing that a kernel can see.
  Call->setDoesNotAccessMemory();
  Call->setDoesNotThrow();
  Call->addFnAttr(Attribute::WillReturn);
  return Call;
}

/// The place that names \p Call's callee, if its type fits.
const NamePlace *findName(ArrayRef<NamePlace> Places, const CallBase &Call) {
  const llvm::Function *Callee = Call.getCalledFunction();
  if (!Callee || !Callee->isDeclaration())
    return nullptr;
  StringRef Name = Callee->getName();
  const NamePlace *Place = lower_bound(
      Places, Name, [](const NamePlace &P, StringRef N) { return P.Name < N; });
  if (Place == Places.end() || Place->Name != Name)
    return nullptr;
  bool IsDouble = Place->Floats == Width::F64;
  auto Fits = [&](Type *Ty) {
    return Ty->isIntegerTy() || (IsDouble ? Ty->isDoubleTy() : Ty->isFloatTy());
  };
  if (!Fits(Call.getType()) || Call.arg_empty() ||
      !all_of(Call.args(), [&](const Use &U) { return Fits(U->getType()); }))
    return nullptr;
  return Place;
}

const Rule *lookupCall(const CallBase &Call) {
  if (Intrinsic::ID ID = Call.getIntrinsicID()) {
    const IntrinsicPlace *Place = find_if(
        IntrinsicPlaces, [&](const auto &P) { return P.Intrinsic == ID; });
    return Place == std::end(IntrinsicPlaces) ? nullptr : &Rules[Place->Rule];
  }
  const NamePlace *Place = findName(NamePlaces, Call);
  const Rule *Found = Place ? &Rules[Place->Rule] : nullptr;
  return Found && Found->arity() == Call.arg_size() ? Found : nullptr;
}

} // namespace

bool Rule::isZero(unsigned Operand) const {
  return isLiteral(Partials[FirstPartial + Operand], 0);
}

bool Rule::isOne(unsigned Operand) const {
  return isLiteral(Partials[FirstPartial + Operand], 1);
}

bool Rule::isMinusOne(unsigned Operand) const {
  return isLiteral(Partials[FirstPartial + Operand], -1);
}

bool Rule::isSingular(unsigned Operand) const {
  return Partials[FirstPartial + Operand].Singular;
}

bool Rule::passes(unsigned Operand) const {
  return Partials[FirstPartial + Operand].Passes;
}

bool Rule::isSteep(unsigned Operand) const {
  return Partials[FirstPartial + Operand].Steep || isSteepAtZeroOnly(Operand);
}

bool Rule::isSteepAtZeroOnly(unsigned Operand) const {
  return Partials[FirstPartial + Operand].SteepAtZero;
}

bool Rule::hasPoleAtZero(const Instruction &I, unsigned Operand) const {
  const unsigned Pole = Partials[FirstPartial + Operand].Pole;
  if (Pole < 2)
    return Pole;
  const Value *Sign = I.getOperand(Pole - 2);
  if (auto *Int = dyn_cast<ConstantInt>(Sign))
    return Int->isNegative();
  auto *Float = dyn_cast<ConstantFP>(Sign);
  return Float && Float->getValueAPF().compare(
                      APFloat::getZero(Float->getValueAPF().getSemantics())) ==
                      APFloat::cmpLessThan;
}

uint64_t Rule::reads(unsigned Operand) const {
  return Partials[FirstPartial + Operand].Reads;
}

Value *Rule::emitPartial(IRBuilderBase &B, unsigned Operand,
                         ArrayRef<Value *> Operands, Value *Result, Type *Ty,
                         bool Again) const {
  PF_CHECK(Operand < arity() && Operands.size() == arity(),
           "one value per operand of the rule");
  if (!Ty && Result)
    Ty = Result->getType();
  for (Value *V : Operands)
    if (!Ty && V && V->getType()->isFPOrFPVectorTy())
      Ty = V->getType();
  // Where only an integer is read, as in the partial of ldexp, the type cannot
  // be seen from the values.
  PF_CHECK(Ty, "a partial needs a value of its type, or the type");
  const Partial &P = Partials[FirstPartial + Operand];
  return Evaluator(B, Operands, Result, Ty).evaluate(Again ? P.Again : P.Root);
}

const Rule *lookup(const Instruction &I) {
  if (!isRuleType(I.getType()))
    return nullptr;
  if (const auto *Call = dyn_cast<CallBase>(&I))
    return lookupCall(*Call);
  const OpcodePlace *Place = find_if(
      OpcodePlaces, [&](const auto &P) { return P.Opcode == I.getOpcode(); });
  return Place == std::end(OpcodePlaces) ? nullptr : &Rules[Place->Rule];
}

ArrayRef<Rule> allRules() { return Rules; }

bool isInactivePure(const CallBase &Call) {
  if (Intrinsic::ID ID = Call.getIntrinsicID())
    return is_contained(InactiveIntrinsics, ID);
  return findName(InactiveNames, Call);
}

bool isRecomputable(const CallBase &Call) {
  if (lookup(Call))
    return true;
  return isInactivePure(Call) && !Call.getType()->isVoidTy() &&
         (!Call.getIntrinsicID() || Call.doesNotAccessMemory());
}

bool splitOutPointerCalls(llvm::Function &F) {
  SmallVector<std::pair<CallInst *, const Split *>, 4> Found;
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallInst>(&I);
    const llvm::Function *Callee = Call ? Call->getCalledFunction() : nullptr;
    if (!Callee || !Callee->isDeclaration() || Call->arg_size() != 2 ||
        !Call->getArgOperand(1)->getType()->isPointerTy())
      continue;
    const Split *S = find_if(Splits, [&](const Split &Other) {
      return Callee->getName() == Other.Name;
    });
    if (S != std::end(Splits))
      Found.push_back({Call, S});
  }
  for (auto [Call, S] : Found) {
    IRBuilder<> B(Call);
    Value *X = Call->getArgOperand(0);
    auto Emit = [&](const char *Name, Type *Ty) {
      CallInst *Part = B.CreateCall(
          F.getParent()->getOrInsertFunction(Name, Ty, X->getType()), X);
      Part->setDoesNotAccessMemory();
      Part->setDoesNotThrow();
      Part->addFnAttr(Attribute::WillReturn);
      return Part;
    };
    B.CreateStore(Emit(S->Second, B.getInt32Ty()), Call->getArgOperand(1));
    Call->replaceAllUsesWith(Emit(S->First, Call->getType()));
    Call->eraseFromParent();
  }
  return !Found.empty();
}

/// Of all rows that state a derivative (scalar.rules).
static constexpr StringLiteral StatedPrefix = "pyfront_stated_";

void declareStated(Module &M) {
  for (llvm::Function &F : M)
    if (F.isDeclaration() && F.getName().starts_with(StatedPrefix)) {
      F.setDoesNotAccessMemory();
      F.setDoesNotThrow();
      F.addFnAttr(Attribute::WillReturn);
      F.addFnAttr(Attribute::Speculatable);
    }
}

void dropStated(Module &M) {
  for (llvm::Function &F : make_early_inc_range(M)) {
    if (!F.isDeclaration() || !F.getName().starts_with(StatedPrefix))
      continue;
    for (User *U : make_early_inc_range(F.users())) {
      auto *Call = cast<CallInst>(U);
      Call->replaceAllUsesWith(Call->getArgOperand(Call->arg_size() - 1));
      Call->eraseFromParent();
    }
    F.eraseFromParent();
  }
}

StringRef whyUnsupported(const CallBase &Call) {
  const llvm::Function *Callee = Call.getCalledFunction();
  StringRef Name = Callee ? Callee->getName() : "";
  auto IsExactly = [&](const Refusal &R) { return Name == R.Name; };
  auto IsOneOf = [&](const Refusal &R) {
    StringRef Given = R.Name;
    return Given.consume_back("*") && Name.starts_with(Given);
  };
  const Refusal *Found = find_if(Refusals, IsExactly);
  if (Found == std::end(Refusals))
    Found = find_if(Refusals, IsOneOf);
  return Found == std::end(Refusals) ? "" : Found->Reason;
}

} // namespace pyfront::rules
