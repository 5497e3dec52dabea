//===- PlanCalls.cpp - Which derivative takes a call's place --------------===//
///
/// \file
/// Of a call that stays a call, the planner asks what is active: the arrays
/// whose memory has a shadow, the scalars with an adjoint, the results that
/// something depends on. These annotations, whether two of its arrays may share
/// memory and which ones stay as the call leaves them, name one derivative of the
/// callee; all calls that ask for the same share it, those in the callee itself
/// included.
///
///   f(x, A, n)   A active, x not, nobody writes x later    split/f/c=dc
///
/// In reverse mode the derivative is one in two halves, whatever the kernel's:
/// the forward half runs where the call is, the reverse half where the reverse
/// sweep comes by. Where nothing is active the call is that of a derivative in
/// forward mode without tangents, which gives its memory back; an array that it
/// returns is memory of a tape where its caller has one, so then it is that of
/// a forward half.
//===----------------------------------------------------------------------===//
#include "core/KeptCalls.h"
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

/// Whether something that it writes has a shadow.
bool isActiveCall(const CallInst &Call, const ActivityFacts &Activity) {
  return any_of(kept::memoryOf(Call), [&](const kept::Memory &M) {
    return M.IsWritten && M.isOfFloats() && Activity.isActiveMemory(M.Ptr);
  });
}

namespace {

class CallPlanner {
public:
  CallPlanner(Plan &P, const Facts &Known) : P(P), Known(Known) {}

  void plan(CallInst &Call) {
    CallPlan Planned;
    Planned.Info = &infoOf(Call);
    const FunctionInfo &Info = *Planned.Info;
    Request &R = Planned.Callee;
    // On the way to a raise nothing has a derivative.
    Planned.IsActive =
        P.N.isLive(Call.getParent()) && isActiveCall(Call, Known.Activity);
    R.Primal = Info.Primal;
    R.Args = Info.Args;
    R.Results = Info.Results;
    R.Arrays = Info.Arrays;
    R.Functions = P.Req.Functions;
    R.Disable = P.Req.Disable;
    R.Width = P.Req.Width;
    R.Inner = true;
    R.MayAlias = mayAlias(Call);
    R.How = modeOf(Planned);
    if (Planned.IsActive) {
      for (ArgInfo &A : R.Args)
        A.Note = noteOf(Call, A, R.How);
      for (const kept::Memory &M : kept::memoryOf(Call))
        if (M.isOfFloats() && Known.Activity.isActiveMemory(M.Ptr))
          Planned.Shadowed.push_back(M.Ptr);
      if (Info.Rule && R.How != Mode::Forward) {
        Planned.Copies = copiesOf(Call, Info);
        Planned.HasFrame = !P.Req.Embedded;
        Planned.Words = wordsOf(Call, *Info.Rule, Planned.Copies);
      } else if (R.How == Mode::Split) {
        for (ArgInfo &A : R.Args)
          A.StaysAsLeft = staysAsLeft(Call, A);
      }
    }
    R.Name = nameOf(R, Info);
    P.Calls.insert({&Call, std::move(Planned)});
  }

private:
  const FunctionInfo &infoOf(const CallInst &Call) const {
    return *find_if(P.Req.Functions, [&](const FunctionInfo &Info) {
      return Info.Primal == kept::calleeOf(Call);
    });
  }
  Mode modeOf(const CallPlan &Planned) const;
  Annotation noteOf(const CallInst &Call, const ArgInfo &A, Mode How) const;
  bool mayAlias(const CallInst &Call) const;
  bool staysAsLeft(const CallInst &Call, const ArgInfo &A) const;
  uint64_t copiesOf(const CallInst &Call, const FunctionInfo &Info) const;
  static SmallVector<Value *, 0> wordsOf(const CallInst &Call,
                                         const RuleInfo &Rule, uint64_t Copies);
  std::string nameOf(const Request &R, const FunctionInfo &Info) const;
  static const Value *dataOf(const CallInst &Call, const ArgInfo &A) {
    return Call.getArgOperand(kept::operandAt(Call, A.FirstParam) +
                              numba::Data);
  }

  Plan &P;
  const Facts &Known;
};

Mode CallPlanner::modeOf(const CallPlan &Planned) const {
  if (P.Req.How == Mode::Forward)
    return Mode::Forward;
  bool LeavesMemory = P.Req.How == Mode::Split && !Planned.Info->Arrays.empty();
  return Planned.IsActive || LeavesMemory ? Mode::Split : Mode::Forward;
}

Annotation CallPlanner::noteOf(const CallInst &Call, const ArgInfo &A,
                               Mode How) const {
  unsigned First = kept::operandAt(Call, A.FirstParam);
  if (!isFloat(A.Type))
    return Annotation::Const;
  if (A.isArray())
    return Known.Activity.isActiveMemory(
               Call.getArgOperand(First + numba::Data))
               ? Annotation::Duplicated
               : Annotation::Const;
  if (!P.isActive(Call.getArgOperand(First)))
    return Annotation::Const;
  return How == Mode::Forward ? Annotation::Duplicated : Annotation::Active;
}

bool CallPlanner::mayAlias(const CallInst &Call) const {
  SmallVector<Access, 4> Arrays;
  for (const kept::Memory &M : kept::memoryOf(Call))
    if (M.What == kept::Memory::Kind::Given) {
      Access A;
      A.Ptr = M.Ptr;
      if (any_of(Arrays, [&](const Access &Other) {
            return Known.Objects.mayTouch(A, Other);
          }))
        return true;
      Arrays.push_back(A);
    }
  return false;
}

/// Only what the callee reads and does not write: of the calls of one function
/// that writes an array the last would be another one than all others.
bool CallPlanner::staysAsLeft(const CallInst &Call, const ArgInfo &A) const {
  return A.isArray() &&
         Call.paramHasAttr(kept::operandAt(Call, A.FirstParam) + numba::Data,
                           Attribute::ReadOnly) &&
         Known.Overwrite.staysAsLeftBy(Call, dataOf(Call, A));
}

uint64_t CallPlanner::copiesOf(const CallInst &Call,
                               const FunctionInfo &Info) const {
  uint64_t Copies = 0;
  for (unsigned Place : Info.Rule->Reads) {
    if (Known.Overwrite.isOverwrittenAfter(Call,
                                           dataOf(Call, Info.Args[Place])))
      Copies |= uint64_t(1) << Place;
  }
  return Copies;
}

/// What the caller has itself, and what only the forward part knows: where the
/// copy of an array is, say.
SmallVector<Value *, 0> CallPlanner::wordsOf(const CallInst &Call,
                                             const RuleInfo &Rule,
                                             uint64_t Copies) {
  SmallVector<Value *, 0> Values;
  SmallVector<CallInst *, 16> Left = kept::leftOf(Call, Rule);
  unsigned First = kept::operandAt(Call, numba::FirstPassed);
  for (const auto &[Word, Marker] : zip_equal(Rule.Words, Left)) {
    bool IsOperand =
        Word.Operand >= 0 && (Word.Place < 0 || !(Copies >> Word.Place & 1));
    Values.push_back(IsOperand ? Call.getArgOperand(First + Word.Operand)
                               : static_cast<Value *>(Marker));
  }
  return Values;
}

/// Inside the module: the LLVM name of the callee tells two functions of one
/// name apart.
std::string CallPlanner::nameOf(const Request &R,
                                const FunctionInfo &Info) const {
  static constexpr char Notes[] = {'c', 'a', 'd'};
  static constexpr StringLiteral Modes[] = {"reverse", "forward", "split"};
  if (Info.Rule)
    return "rule/" + Info.Name;
  std::string Name =
      (Modes[static_cast<unsigned>(R.How)] + "/" + Info.Primal + "/").str();
  for (const ArgInfo &A : R.Args) {
    Name += Notes[static_cast<unsigned>(A.Note)];
    if (A.StaysAsLeft)
      Name += '=';
  }
  if (R.MayAlias)
    Name += "/alias";
  return Name;
}

} // namespace

void planCalls(Planning &S) {
  CallPlanner Planner(S.P, S.Known);
  for (Instruction &I : instructions(*S.P.N.F))
    if (kept::isKept(&I))
      Planner.plan(cast<CallInst>(I));
}

} // namespace pyfront
