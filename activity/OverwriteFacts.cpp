//===- OverwriteFacts.cpp - How: writes by object, paths by block ---------===//
#include "activity/OverwriteFacts.h"
#include "activity/Subscripts.h"
#include "llvm/IR/CFG.h"

using namespace llvm;

namespace pyfront {

OverwriteFacts::OverwriteFacts(const NormalFunction &N, const Request &Req,
                               const MemoryObjects &Objects,
                               const Subscripts &Subs)
    : N(N), Req(Req), Objects(Objects) {
  for (const BasicBlock &BB : *N.F)
    Index.try_emplace(&BB, Index.size());
  for (const BasicBlock *BB : N.Order)
    for (const Instruction &I : *BB) {
      copy_if(writesOf(I), std::back_inserter(Writes),
              [](const Access &Write) { return !Write.IsFresh; });
      if (auto *Load = dyn_cast<LoadInst>(&I))
        Loads.push_back(Load);
    }
  WritesOf.resize(Objects.size());
  for (unsigned W = 0; W < Writes.size(); ++W) {
    if (Writes[W].isAnything() || Objects.isUnknown(Writes[W].Ptr))
      WritesAnywhere.push_back(W);
    else
      for (unsigned O : Objects.touched(Writes[W].Ptr))
        WritesOf[O].push_back(W);
  }
  for (const LoadInst *Load : Loads) {
    if (isWrittenByCaller(Load->getPointerOperand()))
      ByCaller.insert(Load);
    for (unsigned W : writesMeeting(Load)) {
      const Instruction *Write = Writes[W].I;
      if (!runsAfter(Write, Load) || Subs.neverMeetsLater(*Load, *Write))
        continue;
      Overwriter[Load] = Write;
      break;
    }
  }
}

SmallVector<unsigned, 8>
OverwriteFacts::writesMeeting(const LoadInst *Load) const {
  const Value *Ptr = Load->getPointerOperand();
  if (Objects.isUnknown(Ptr))
    return to_vector<8>(seq<unsigned>(0, Writes.size()));
  SmallVector<unsigned, 8> Result{ArrayRef<unsigned>(WritesAnywhere)};
  for (unsigned O : Objects.pointsTo(Ptr))
    append_range(Result, WritesOf[O]);
  llvm::sort(Result);
  Result.erase(llvm::unique(Result), Result.end());
  return Result;
}

bool OverwriteFacts::isWrittenByCaller(const Value *Ptr) const {
  if (Req.How != Mode::Split)
    return false;
  return Objects.isUnknown(Ptr) ||
         any_of(Objects.pointsTo(Ptr), [&](unsigned O) {
           const MemoryObject &Object = Objects[O];
           return Object.Kind == ObjectKind::Outside ||
                  (Object.Kind == ObjectKind::Argument &&
                   !Req.Args[Object.Arg].StaysAsLeft);
         });
}

const BitVector &
OverwriteFacts::enteredFrom(const BasicBlock *From,
                            const BasicBlock *Forbidden) const {
  std::unique_ptr<BitVector> &Blocks = Entered[{From, Forbidden}];
  if (Blocks)
    return *Blocks;
  Blocks = std::make_unique<BitVector>(Index.size());
  SmallVector<const BasicBlock *, 16> Work{From};
  while (!Work.empty())
    for (const BasicBlock *S : successors(Work.pop_back_val()))
      if (S != Forbidden && !Blocks->test(indexOf(S))) {
        Blocks->set(indexOf(S));
        Work.push_back(S);
      }
  return *Blocks;
}

const BitVector &OverwriteFacts::leadsTo(const BasicBlock *To,
                                         const BasicBlock *Forbidden) const {
  std::unique_ptr<BitVector> &Blocks = Leading[{To, Forbidden}];
  if (Blocks)
    return *Blocks;
  Blocks = std::make_unique<BitVector>(Index.size());
  SmallVector<const BasicBlock *, 16> Work;
  if (To != Forbidden)
    Work.push_back(To);
  while (!Work.empty())
    for (const BasicBlock *P : predecessors(Work.pop_back_val())) {
      if (Blocks->test(indexOf(P)))
        continue;
      Blocks->set(indexOf(P));
      if (P != Forbidden)
        Work.push_back(P);
    }
  return *Blocks;
}

bool OverwriteFacts::runsAfter(const Instruction *Write,
                               const Instruction *Load) const {
  const BasicBlock *WriteBB = Write->getParent(), *LoadBB = Load->getParent();
  if (WriteBB == LoadBB && Load->comesBefore(Write))
    return true;
  return enteredFrom(LoadBB, nullptr).test(indexOf(WriteBB));
}

bool OverwriteFacts::isOverwrittenAfter(const Instruction &Call,
                                        const Value *Ptr) const {
  if (isWrittenByCaller(Ptr))
    return true;
  Access Read;
  Read.I = &Call;
  Read.Ptr = Ptr;
  return any_of(Writes, [&](const Access &Write) {
    return Objects.mayTouch(Write, Read) && runsAfter(Write.I, &Call);
  });
}

bool OverwriteFacts::staysAsLeftBy(const Instruction &Call,
                                   const Value *Ptr) const {
  return !Objects.isUnknown(Ptr) &&
         none_of(Objects.pointsTo(Ptr),
                 [&](unsigned O) {
                   return Objects[O].Kind == ObjectKind::Stack ||
                          Objects[O].Kind == ObjectKind::Result;
                 }) &&
         !isOverwrittenAfter(Call, Ptr);
}

bool OverwriteFacts::mayBeWrittenSince(ProgramPoint P,
                                       const LoadInst *Load) const {
  const NormalLoop &L = N.Loops[P.Loop];
  const BasicBlock *Point = P.EachIteration ? L.Header : L.Preheader;
  // Paths that come by the point again begin there anew.
  const BitVector &FromPoint = enteredFrom(Point, Point);
  const BasicBlock *LoadBB = Load->getParent();
  int Within = P.EachIteration ? P.Loop : L.Parent;
  const Access Read = accessesOf(*Load).front();
  const BitVector &ToLoad = leadsTo(LoadBB, Point);
  return any_of(writesMeeting(Load), [&](unsigned W) {
    const Instruction *Write = Writes[W].I;
    const BasicBlock *WriteBB = Write->getParent();
    return (FromPoint.test(indexOf(WriteBB)) ||
            (P.EachIteration && WriteBB == Point)) &&
           ((WriteBB == LoadBB && Write->comesBefore(Load)) ||
            ToLoad.test(indexOf(WriteBB))) &&
           Objects.mayTouchIn(Within, Writes[W], Read, N);
  });
}

/// Since when the memory of `Load` is as the load finds it, for each point at
/// which the forward sweep could copy it.
void OverwriteFacts::printKept(raw_ostream &OS, const LoadInst *Load) const {
  for (int L : N.nestOf(Load->getParent()))
    for (bool EachIteration : {false, true})
      if (!mayBeWrittenSince({L, EachIteration}, Load))
        OS << ", kept from " << (EachIteration ? "each iteration of L" : "L")
           << L;
}

void OverwriteFacts::print(raw_ostream &OS) const {
  for (const LoadInst *Load : Loads) {
    OS << "  %" << Load->getName() << ": ";
    const Instruction *Write = overwriterOf(Load);
    if (!Write) {
      OS << (ByCaller.contains(Load) ? "the caller may overwrite it\n"
                                     : "stable\n");
      continue;
    }
    OS << "overwritten by ";
    if (auto *Store = dyn_cast<StoreInst>(Write))
      OS << "the store to %" << Store->getPointerOperand()->getName();
    else
      OS << "a call";
    printKept(OS, Load);
    OS << "\n";
  }
}

} // namespace pyfront
