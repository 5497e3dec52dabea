//===- Planner.cpp - The steps in order -----------------------------------===//
#include "enzyme_pass/plan/Planner.h"

using namespace llvm;

namespace pyfront {

namespace {

bool always(const Request &) { return true; }
bool hasReverseSweep(const Request &Req) { return Req.How != Mode::Forward; }
bool isSplit(const Request &Req) { return Req.How == Mode::Split; }
/// A batch fills the vector lanes with its adjoints.
bool hasLanes(const Request &Req) {
  return hasReverseSweep(Req) && Req.Width == 1 && !Req.isDisabled("lanes");
}
bool hasStrips(const Request &Req) {
  return hasReverseSweep(Req) && Req.Width == 1 && !Req.isDisabled("strips");
}

constexpr Step Steps[] = {
    {"active", planActive, always, {}, "all else is about what is active"},
    {"objects",
     planObjects,
     always,
     {"active"},
     "active objects and tables have shadows"},
    {"calls",
     planCalls,
     always,
     {"active", "objects"},
     "what of a call is active is said by its operands and their memory"},
    {"needs",
     planNeeds,
     hasReverseSweep,
     {"active", "calls"},
     "active instructions and calls say what is read"},
    {"guards",
     planGuards,
     always,
     {"active", "objects", "calls"},
     "products of active values; results are objects with a shadow; what calls "
     "hand on may be infinite"},
    {"sources",
     planSources,
     hasReverseSweep,
     {"objects", "needs"},
     "needed keys get sources; the shadows of parameters are free"},
    {"places",
     planPlaces,
     isSplit,
     {"objects", "sources"},
     "of kept shadows it is asked where they may lie"},
    {"adjoints",
     planAdjoints,
     hasReverseSweep,
     {"active", "calls"},
     "each active value has an adjoint"},
    {"lanes",
     planLanes,
     hasLanes,
     {"needs", "adjoints"},
     "sums over loops that are reversed"},
    {"strips", planStrips, hasStrips, {"needs"}, "loops that are reversed"},
    {"tape",
     planTape,
     hasReverseSweep,
     {"sources"},
     "every taped key and every snapshot gets a slot"},
    {"frame",
     planFrame,
     isSplit,
     {"tape"},
     "keys and slots that cross from one half to the other"},
};

constexpr Improvement Improvements[] = {
    {"reload", true, "repeats loads whose memory is not written again"},
    {"recompute", true, "repeats pure instructions"},
    {"mincut", true, "tapes the cheapest set of keys"},
    {"snapshot", true, "copies overwritten arrays instead of taping loads"},
    {"lanes", false, "sums over a loop in vector lanes"},
    {"strips", false, "reverses a stencil loop access by access"},
};

constexpr bool isSame(const char *A, const char *B) {
  while (*A && *A == *B)
    ++A, ++B;
  return *A == *B;
}

constexpr bool comesBefore(const char *Name, unsigned Index) {
  for (unsigned I = 0; I < Index; ++I)
    if (isSame(Steps[I].Name, Name))
      return true;
  return false;
}

constexpr bool isOrdered() {
  for (unsigned I = 0; I < std::size(Steps); ++I)
    for (const char *Before : Steps[I].After)
      if (Before && !comesBefore(Before, I))
        return false;
  return true;
}
static_assert(isOrdered(), "a step runs before one that it depends on");

} // namespace

ArrayRef<Step> steps() { return Steps; }
ArrayRef<Improvement> improvements() { return Improvements; }

static bool checkDisabled(const Request &Req, DiagnosticSink &Sink) {
  for (const std::string &Name : Req.Disable)
    if (none_of(Improvements,
                [&](const Improvement &I) { return I.Name == Name; }))
      Sink.internal("no plan step is called `" + Name + "`");
  return Sink.empty();
}

std::unique_ptr<Plan> makePlan(const NormalFunction &N, const Request &Req,
                               const Facts &Known, const DominatorTree &DT,
                               DiagnosticSink &Sink, PlanObserver Observe) {
  if (!checkDisabled(Req, Sink) || !refuseUnsupported(N, Req, Known, Sink))
    return nullptr;
  auto P = std::make_unique<Plan>(N, Req);
  Planning State{*P, Known, DT, {}};
  for (const Step &Next : Steps) {
    if (!Next.Applies(Req))
      continue;
    Next.Run(State);
    if (Observe)
      Observe(Next.Name, *P);
    for (const std::string &Violation : verifyPlan(*P, Known, Next.Name))
      Sink.internal("after step `" + Twine(Next.Name) +
                    "` the plan is not sound: " + Violation);
    if (!Sink.empty())
      return nullptr;
  }
  return P;
}

} // namespace pyfront
