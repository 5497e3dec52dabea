//===- PlanObjects.cpp - Where each object's shadow lives -----------------===//
///
/// \file
/// The caller's shadow for a `Duplicated` array; one of our own for workspace,
/// local arrays and stack variables that hold active data, or pointers to it;
/// the seed for the kernel's result. Constant objects get none.
//===----------------------------------------------------------------------===//
#include "core/KeptCalls.h"
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace pyfront {

static Extent extentOf(const MemoryObject &O, const DataLayout &DL) {
  Extent E;
  switch (O.Kind) {
  case ObjectKind::Argument:
    E.How = Extent::Form::Argument;
    E.Arg = O.Arg;
    break;
  case ObjectKind::Allocation:
    E.How = Extent::Form::Bytes;
    E.Bytes = cast<CallInst>(O.Base)->getArgOperand(
        kept::isArrayResult(O.Base) ? 2 : 0);
    break;
  case ObjectKind::Returned:
    E.How = Extent::Form::Bytes;
    E.Bytes = cast<CallInst>(O.Base)->getArgOperand(1);
    break;
  case ObjectKind::Stack:
    if (auto Size = cast<AllocaInst>(O.Base)->getAllocationSize(DL);
        Size && !Size->isScalable()) {
      E.How = Extent::Form::Literal;
      E.Literal = Size->getFixedValue();
    }
    break;
  case ObjectKind::Result:
  case ObjectKind::Literal:
  case ObjectKind::Outside:
    break;
  }
  return E;
}

static ShadowHome homeOf(const MemoryObject &O, const Request &Req) {
  switch (O.Kind) {
  case ObjectKind::Argument:
    return Req.Args[O.Arg].Note == Annotation::Duplicated
               ? ShadowHome::Parameter
               : ShadowHome::Workspace;
  case ObjectKind::Allocation:
    return ShadowHome::Allocation;
  case ObjectKind::Returned:
    return Req.How == Mode::Forward ? ShadowHome::Allocation
                                    : ShadowHome::Returned;
  case ObjectKind::Stack:
    return ShadowHome::Stack;
  case ObjectKind::Result:
    return ShadowHome::Seed;
  case ObjectKind::Literal:
  case ObjectKind::Outside:
    break;
  }
  return ShadowHome::None;
}

/// The forward half of a split derivative fills tables of pointers to shadows:
/// what the reverse half zeroes is not among them.
static Zeroed zeroOf(const ObjectPlan &O, Mode How) {
  bool IsMade = O.Shadow == ShadowHome::Workspace ||
                O.Shadow == ShadowHome::Allocation ||
                O.Shadow == ShadowHome::Stack;
  if (!IsMade || (How == Mode::Forward && O.Shadow == ShadowHome::Allocation))
    return Zeroed::Never;
  return How == Mode::Split && !O.IsTable ? Zeroed::ByReverse
                                          : Zeroed::WhenMade;
}

static void groupWorkspaces(Plan &P, const Facts &Known) {
  for (unsigned O = 0; O < P.Objects.size(); ++O) {
    if (P.Objects[O].Shadow != ShadowHome::Workspace)
      continue;
    auto Group = find_if(P.Workspaces, [&](ArrayRef<unsigned> Others) {
      return Known.Objects.mayOverlap(Others.front(), O);
    });
    if (Group == P.Workspaces.end())
      P.Workspaces.push_back({O});
    else
      Group->push_back(O);
  }
}

void planObjects(Planning &S) {
  Plan &P = S.P;
  const Facts &Known = S.Known;
  const DataLayout &DL = P.N.F->getParent()->getDataLayout();
  for (unsigned I = 0; I < Known.Objects.size(); ++I) {
    const MemoryObject &O = Known.Objects[I];
    ObjectPlan Plan;
    Plan.Base = O.Base;
    Plan.Name = O.Name;
    Plan.Arg = O.Arg;
    Plan.Size = extentOf(O, DL);
    if (Known.Activity.hasShadow(I))
      Plan.Shadow = homeOf(O, P.Req);
    Plan.IsTable = Known.Activity.isActiveTable(I);
    Plan.Zero = zeroOf(Plan, P.Req.How);
    P.Objects.push_back(std::move(Plan));
  }
  groupWorkspaces(P, Known);
}

} // namespace pyfront
