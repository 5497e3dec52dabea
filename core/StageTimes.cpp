//===- StageTimes.cpp - How: a list in order, with depths -----------------===//
#include "core/StageTimes.h"
#include <ctime>

using namespace llvm;

namespace pyfront {

static double processorTime() {
  timespec T;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &T);
  return double(T.tv_sec) + 1e-9 * double(T.tv_nsec);
}

TimedStage::TimedStage(StageTimes &Times, StringRef Name) : Times(Times) {
  std::vector<StageTimes::Entry> &All = Times.Entries;
  unsigned Depth = Times.Depth++;
  auto IsSame = [&](const auto &E) {
    return E.Depth == Depth && E.Name == Name;
  };
  // The parts of the stage that is open are those behind it.
  Index = All.size();
  while (Index > 0 && All[Index - 1].Depth >= Depth && !IsSame(All[Index - 1]))
    --Index;
  if (Index > 0 && IsSame(All[Index - 1])) {
    --Index;
  } else {
    Index = All.size();
    All.push_back({Name.str(), Depth, 0});
  }
  Began = processorTime();
}

TimedStage::~TimedStage() {
  Times.Entries[Index].Seconds += processorTime() - Began;
  --Times.Depth;
}

json::Array StageTimes::partsFrom(size_t &Next, unsigned Depth) const {
  json::Array Parts;
  while (Next < Entries.size() && Entries[Next].Depth == Depth) {
    const Entry &E = Entries[Next++];
    json::Object Stage{{"stage", E.Name}, {"seconds", E.Seconds}};
    if (json::Array Inner = partsFrom(Next, Depth + 1); !Inner.empty())
      Stage["parts"] = std::move(Inner);
    Parts.push_back(std::move(Stage));
  }
  return Parts;
}

json::Array StageTimes::toJSON() const {
  size_t Next = 0;
  return partsFrom(Next, 0);
}

} // namespace pyfront
