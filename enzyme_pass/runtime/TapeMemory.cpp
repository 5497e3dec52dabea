//===- TapeMemory.cpp - The memory of a derivative in two halves ----------===//
///
/// \file
/// How: two arenas and a list of those that wait, newest first, because its
/// pages are the warmest.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/runtime/TapeMemory.h"
#include <mutex>
#include <new>

namespace pyfront {

namespace {

struct Pool {
  std::mutex Lock;
  TapeMemory *First = nullptr;
  size_t Live = 0;
};

} // namespace

/// Never destroyed: tapes may be freed while the process ends.
static Pool &pool() {
  static Pool *Only = new Pool;
  return *Only;
}

TapeMemory *TapeMemory::open(int64_t FrameBytes) {
  TapeMemory *Tape = nullptr;
  {
    Pool &P = pool();
    std::lock_guard<std::mutex> Guard(P.Lock);
    ++P.Live;
    Tape = P.First;
    if (Tape)
      P.First = Tape->Next;
  }
  if (!Tape)
    Tape = new (std::nothrow) TapeMemory;
  if (Tape) {
    Tape->Next = nullptr;
    Tape->Frame = Tape->Values.alloc(FrameBytes);
    if (Tape->Frame)
      return Tape;
    free(Tape);
    return nullptr;
  }
  Pool &P = pool();
  std::lock_guard<std::mutex> Guard(P.Lock);
  --P.Live;
  return nullptr;
}

void TapeMemory::free(TapeMemory *Tape) {
  if (!Tape)
    return;
  Tape->Frame = nullptr;
  Tape->Values.leave(0);
  Tape->Shadows.leave(0);
  Pool &P = pool();
  std::lock_guard<std::mutex> Guard(P.Lock);
  --P.Live;
  Tape->Next = P.First;
  P.First = Tape;
}

void TapeMemory::releasePool() {
  Pool &P = pool();
  TapeMemory *Tape = nullptr;
  {
    std::lock_guard<std::mutex> Guard(P.Lock);
    std::swap(Tape, P.First);
  }
  while (Tape) {
    TapeMemory *Next = Tape->Next;
    Tape->Values.release();
    Tape->Shadows.release();
    delete Tape;
    Tape = Next;
  }
}

size_t TapeMemory::live() {
  Pool &P = pool();
  std::lock_guard<std::mutex> Guard(P.Lock);
  return P.Live;
}

} // namespace pyfront

using pyfront::TapeMemory;

void *pyfront_tape_open(int64_t FrameBytes) {
  return TapeMemory::open(FrameBytes);
}

void *pyfront_tape_alloc(void *Tape, int64_t Bytes) {
  if (!Tape)
    return pyfront_arena_alloc(Bytes);
  return static_cast<TapeMemory *>(Tape)->alloc(Bytes);
}

void *pyfront_tape_alloc_shadow(void *Tape, int64_t Bytes) {
  if (!Tape)
    return pyfront_arena_alloc_zeroed(Bytes);
  return static_cast<TapeMemory *>(Tape)->allocShadow(Bytes);
}

void *pyfront_tape_grow(void *Tape, void *Old, int64_t OldBytes,
                        int64_t NewBytes) {
  if (!Tape)
    return pyfront_arena_grow(Old, OldBytes, NewBytes);
  return static_cast<TapeMemory *>(Tape)->grow(Old, OldBytes, NewBytes);
}

void pyfront_tape_rewind(void *Tape) {
  static_cast<TapeMemory *>(Tape)->rewind();
}

void pyfront_tape_free(void *Tape) {
  TapeMemory::free(static_cast<TapeMemory *>(Tape));
}
