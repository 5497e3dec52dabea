//===- Planner.cpp - The steps in order
//------------------------------------===//
#include "enzyme_pass/plan/Planner.h"
#include "enzyme_pass/plan/Needs.h"

using namespace llvm;

namespace pyfront {

std::unique_ptr<Plan> makePlan(const NormalFunction &N, const Request &Req,
                               const Facts &Known, const DominatorTree &DT,
                               DiagnosticSink &Sink) {
  if (!refuseUnsupported(N, Req, Known, Sink))
    return nullptr;
  auto P = std::make_unique<Plan>(N, Req);
  SetVector<Key> Needed = findNeeds(*P, Known, DT);
  planGuards(*P);
  planObjects(*P, Known);
  planSources(*P, Known, DT, Needed);
  if (!Req.isDisabled("lanes"))
    planLanes(*P);
  if (!Req.isDisabled("strips"))
    planStrips(*P, Known);
  planTape(*P, DT);
  for (const std::string &Violation : verifyPlan(*P))
    Sink.internal("the plan is not sound: " + Violation);
  if (!Sink.empty())
    return nullptr;
  return P;
}

} // namespace pyfront
