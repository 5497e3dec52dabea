//===- Planner.cpp - The steps in order -----------------------------------===//
#include "enzyme_pass/plan/Planner.h"
#include "enzyme_pass/plan/Needs.h"

using namespace llvm;

namespace pyfront {

static void planReverse(Plan &P, const Facts &Known, const DominatorTree &DT) {
  SetVector<Key> Needed = findNeeds(P, DT);
  planGuards(P);
  planSources(P, Known, DT, Needed);
  if (P.Req.How == Mode::Split)
    planPlaces(P, Known);
  // A batch fills the vector lanes with its adjoints.
  bool IsBatch = P.Req.Width > 1;
  if (!P.Req.isDisabled("lanes") && !IsBatch)
    planLanes(P);
  if (!P.Req.isDisabled("strips") && !IsBatch)
    planStrips(P, Known);
  planTape(P, DT);
}

std::unique_ptr<Plan> makePlan(const NormalFunction &N, const Request &Req,
                               const Facts &Known, const DominatorTree &DT,
                               DiagnosticSink &Sink) {
  if (!refuseUnsupported(N, Req, Known, Sink))
    return nullptr;
  auto P = std::make_unique<Plan>(N, Req);
  planActive(*P, Known);
  planObjects(*P, Known);
  if (Req.How != Mode::Forward)
    planReverse(*P, Known, DT);
  for (const std::string &Violation : verifyPlan(*P))
    Sink.internal("the plan is not sound: " + Violation);
  if (!Sink.empty())
    return nullptr;
  return P;
}

} // namespace pyfront
