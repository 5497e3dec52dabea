//===- PlanPlaces.cpp - Shadows that the forward half cannot know ---------===//
///
/// \file
/// The forward half of a split derivative runs before there are shadows of the
/// `Duplicated` arguments, and several reverse halves may follow with different
/// ones. A shadow pointer that it keeps, in a register or on the tape, is
/// therefore a *place*: which argument's shadow, and how far into it. The
/// reverse half makes an address of a place with the shadows that it was given.
///
///   for t:                                  a' , b' : places
///     a, b = b, a     (by name)             %a' = phi [place 0], [%b']
///     ...  a[i] ...                         tape %a'; reverse: its address
///
/// This file finds the pointers that are kept so, also in tables of pointers,
/// and for each the arguments that it may lie in. What can be recomputed from
/// the parameters is not kept.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"

using namespace llvm;

namespace pyfront {

void planPlaces(Planning &State) {
  Plan &P = State.P;
  const Facts &Known = State.Known;
  for (const auto &[K, S] : P.Sources) {
    bool IsKept = S.Kind == SourceKind::Argument ||
                  S.Kind == SourceKind::Register ||
                  S.Kind == SourceKind::Tape || S.Kind == SourceKind::Reload;
    if (K.getInt() != Space::Shadow || !IsKept)
      continue;
    PlacePlan Place;
    for (unsigned O : Known.Objects.pointsTo(K.getPointer())) {
      const ObjectPlan &Object = P.Objects[O];
      if (Object.Shadow == ShadowHome::Parameter)
        Place.Args.push_back(Object.Arg);
      else if (Object.Shadow != ShadowHome::None)
        Place.MayBeAddress = true;
    }
    if (!Place.Args.empty())
      P.Places.insert({K.getPointer(), std::move(Place)});
  }
}

} // namespace pyfront
