//===- Facts.h - The answers of all analyses, together --------------------===//
///
/// \file
/// Built once, from the frozen primal; never changed afterwards (F1).
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_FACTS_H
#define PYFRONT_ACTIVITY_FACTS_H

#include "activity/ActivityFacts.h"
#include "activity/LoopFacts.h"
#include "activity/MemoryObjects.h"
#include "activity/OverwriteFacts.h"
#include "activity/ReadBack.h"
#include "activity/Subscripts.h"
#include "activity/TypeFacts.h"

namespace pyfront {

struct Facts {
  Facts(const NormalFunction &N, const Request &Req, llvm::ScalarEvolution &SE)
      : Evolution(SE), Objects(N, Req), Types(N, Req, Objects),
        Activity(N, Req, Objects), Loops(N), Subs(N, Req, SE),
        Overwrite(N, Req, Objects, Subs), Stored(N, Objects, Subs, SE) {}
  Facts(const Facts &) = delete;
  Facts &operator=(const Facts &) = delete;

  /// LLVM's own, for addresses as functions of the counters.
  llvm::ScalarEvolution &Evolution;
  MemoryObjects Objects;
  TypeFacts Types;
  ActivityFacts Activity;
  LoopFacts Loops;
  Subscripts Subs;
  OverwriteFacts Overwrite;
  ReadBack Stored;

  void print(llvm::raw_ostream &OS, const NormalFunction &N) const {
    OS << "objects\n";
    Objects.print(OS, N);
    OS << "types\n";
    Types.print(OS, Objects);
    OS << "activity\n";
    Activity.print(OS, N);
    OS << "loops\n";
    Loops.print(OS);
    OS << "overwrite\n";
    Overwrite.print(OS);
    OS << "stored\n";
    Stored.print(OS);
  }
};

} // namespace pyfront

#endif
