//===- StageTimes.cpp - How: a list in order, with depths -----------------===//
#include "core/StageTimes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
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

/// By hand: for a small kernel, building a `json::Value` takes as long as a stage.
/// Names of stages are plain words.
void StageTimes::printFrom(raw_ostream &OS, size_t &Next,
                           unsigned Depth) const {
  ListSeparator Comma(",");
  OS << "[";
  while (Next < Entries.size() && Entries[Next].Depth == Depth) {
    const Entry &E = Entries[Next++];
    OS << Comma << "{\"stage\":\"" << E.Name
       << "\",\"seconds\":" << format("%.9f", E.Seconds);
    if (Next < Entries.size() && Entries[Next].Depth > Depth) {
      OS << ",\"parts\":";
      printFrom(OS, Next, Depth + 1);
    }
    OS << "}";
  }
  OS << "]";
}

void StageTimes::printJSON(raw_ostream &OS) const {
  size_t Next = 0;
  printFrom(OS, Next, 0);
}

} // namespace pyfront
