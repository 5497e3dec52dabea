//===- StageTimes.h - Where the engine's time goes ------------------------===//
///
/// \file
/// Processor time of the calling thread, by stage and by part of a stage:
///
///   prepare           0.031
///     inline          0.009
///     ...
///
/// A stage is timed by the life of a `TimedStage`; one inside another is a part
/// of it. Two readings of a clock a stage: no measurable cost.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_CORE_STAGETIMES_H
#define PYFRONT_CORE_STAGETIMES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace pyfront {

class StageTimes {
public:
  /// `[{"stage": "prepare", "seconds": 0.031, "parts": [...]}, ...]`
  void printJSON(llvm::raw_ostream &OS) const;

private:
  friend class TimedStage;
  struct Entry {
    std::string Name;
    unsigned Depth;
    double Seconds;
  };
  void printFrom(llvm::raw_ostream &OS, size_t &Next, unsigned Depth) const;

  std::vector<Entry> Entries;
  unsigned Depth = 0;
};

/// Adds the time of its own life to the stage of this name: a part that runs
/// several times in a stage is listed once.
class TimedStage {
public:
  TimedStage(StageTimes &Times, llvm::StringRef Name);
  ~TimedStage();
  TimedStage(const TimedStage &) = delete;
  TimedStage &operator=(const TimedStage &) = delete;

private:
  StageTimes &Times;
  size_t Index;
  double Began;
};

} // namespace pyfront

#endif
