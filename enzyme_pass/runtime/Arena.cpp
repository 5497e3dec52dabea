//===- Arena.cpp - Where derivatives keep their tape ----------------------===//
///
/// \file
/// Bump allocation in chunks from mmap. The frequent case, room in the current
/// chunk, is inline in the header; everything here is about getting, keeping
/// and returning chunks.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/runtime/Arena.h"
#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace pyfront {

namespace {

constexpr size_t SmallestChunk = size_t(1) << 20;
constexpr size_t HugePage = size_t(2) << 20;
/// From here on a chunk is made of huge pages, as far as the system has them.
constexpr size_t HugeFrom = size_t(4) << 20;

/// A mark is a chunk's index and an offset into it.
constexpr unsigned OffsetBits = 48;

size_t alignTo(size_t Value, size_t Unit) {
  return (Value + Unit - 1) / Unit * Unit;
}

char *mapBytes(size_t Size) {
  void *P = mmap(nullptr, Size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return P == MAP_FAILED ? nullptr : static_cast<char *>(P);
}

/// Maps \p Size bytes, a multiple of the huge page, at a multiple of it.
char *mapHuge(size_t Size) {
  char *Raw = mapBytes(Size + HugePage);
  if (!Raw)
    return nullptr;
  auto Address = reinterpret_cast<uintptr_t>(Raw);
  size_t Head = alignTo(Address, HugePage) - Address;
  if (Head)
    munmap(Raw, Head);
  munmap(Raw + Head + Size, HugePage - Head);
  // Advice only: without huge pages the memory is as good, the faults cost
  // more.
  madvise(Raw + Head, Size, MADV_HUGEPAGE);
  return Raw + Head;
}

} // namespace

/// Unmaps a thread's arena when the thread ends. Apart from the arena, whose
/// fast path would otherwise check at each access whether its destructor is
/// registered.
struct ArenaReaper {
  Arena *Owned = nullptr;
  ~ArenaReaper() {
    if (Owned)
      Owned->dropChunksFrom(0);
  }
};

static thread_local Arena ThreadArena;
static thread_local ArenaReaper ThreadReaper;

static thread_local int64_t LastRefused = 0;

Arena &Arena::ofThread() { return ThreadArena; }

int64_t Arena::lastRefused() { return LastRefused; }

void *Arena::refuse(int64_t Bytes) {
  LastRefused = Bytes;
  return nullptr;
}

int64_t Arena::enter() const {
  if (NumChunks == 0)
    return 0;
  return int64_t(Current) << OffsetBits | int64_t(Top - Chunks[Current].Base);
}

void Arena::leave(int64_t Mark) {
  HighWater = std::max(HighWater, inUse());
  Peak = std::max(Peak, HighWater);
  makeCurrent(unsigned(Mark >> OffsetBits),
              size_t(Mark & ((int64_t(1) << OffsetBits) - 1)));
  if (inUse() != 0)
    return;
  if (NumChunks > 1)
    coalesce(HighWater);
  HighWater = 0;
}

void *Arena::allocZeroed(int64_t Bytes) {
  void *Result = alloc(Bytes);
  if (Result)
    std::memset(Result, 0, size_t(Bytes));
  return Result;
}

void *Arena::grow(void *Old, int64_t OldBytes, int64_t NewBytes) {
  if (!Old)
    return alloc(NewBytes);
  if (OldBytes < 0 || NewBytes < 0 || NewBytes > MaxBytes)
    return refuse(NewBytes);
  if (NewBytes <= OldBytes)
    return Old;
  char *OldEnd = static_cast<char *>(Old) + roundUp(OldBytes);
  size_t More = roundUp(NewBytes) - roundUp(OldBytes);
  if (OldEnd == Top && More <= size_t(End - Top)) {
    Top += More;
    return Old;
  }
  void *New = alloc(NewBytes);
  if (New)
    std::memcpy(New, Old, size_t(OldBytes));
  return New;
}

void Arena::zero() {
  for (unsigned I = 0; I < NumChunks && I <= Current; ++I) {
    size_t Used = I == Current ? size_t(Top - Chunks[I].Base)
                               : Chunks[I + 1].Before - Chunks[I].Before;
    std::memset(Chunks[I].Base, 0, Used);
  }
}

void Arena::release() {
  if (inUse() == 0)
    dropChunksFrom(0);
}

size_t Arena::capacity() const {
  size_t Sum = 0;
  for (unsigned I = 0; I != NumChunks; ++I)
    Sum += Chunks[I].Size;
  return Sum;
}

size_t Arena::inUse() const {
  if (NumChunks == 0)
    return 0;
  return Chunks[Current].Before + size_t(Top - Chunks[Current].Base);
}

size_t Arena::peak() const { return std::max(Peak, inUse()); }

void *Arena::allocInNextChunk(size_t Size) {
  size_t Used = inUse();
  unsigned Next = NumChunks == 0 ? 0 : Current + 1;
  if (Next < NumChunks && Chunks[Next].Size < Size)
    dropChunksFrom(Next);
  if (Next == NumChunks && !addChunk(Size))
    return refuse(int64_t(Size));
  Chunks[Next].Before = Used;
  makeCurrent(Next, Size);
  return Chunks[Next].Base;
}

/// Appends a chunk of at least \p Size bytes.
bool Arena::addChunk(size_t Size) {
  if (NumChunks == MaxChunks)
    return false;
  if (this == &ThreadArena)
    ThreadReaper.Owned = this;
  // As much again as there is, so that a tape that grows needs few chunks, and
  // more than is asked for, so that a call with one large tape fits into its
  // chunk; just enough, should that be too much.
  size_t Generous = std::max(Size + Size / 8, capacity());
  for (size_t Wanted : {Generous, Size}) {
    bool Huge = Wanted >= HugeFrom;
    size_t Rounded = alignTo(Wanted, Huge ? HugePage : SmallestChunk);
    if (char *Base = Huge ? mapHuge(Rounded) : mapBytes(Rounded)) {
      Chunks[NumChunks++] = {Base, Rounded, 0};
      return true;
    }
  }
  return false;
}

void Arena::dropChunksFrom(unsigned First) {
  for (unsigned I = First; I != NumChunks; ++I)
    munmap(Chunks[I].Base, Chunks[I].Size);
  NumChunks = First;
  if (First == 0) {
    Current = 0;
    Top = End = nullptr;
  }
}

void Arena::makeCurrent(unsigned Index, size_t Offset) {
  // A mark taken before the first chunk was mapped, or a release in between.
  if (NumChunks == 0)
    return;
  Current = Index;
  Top = Chunks[Index].Base + Offset;
  End = Chunks[Index].Base + Chunks[Index].Size;
}

/// Leaves one of several chunks, none of which is in use (A3): the largest,
/// whose pages are there already, if what the last call needed fits; else a new
/// one as large as all together.
void Arena::coalesce(size_t Needed) {
  auto IsSmaller = [](const Chunk &A, const Chunk &B) {
    return A.Size < B.Size;
  };
  Chunk *Largest = std::max_element(Chunks, Chunks + NumChunks, IsSmaller);
  if (Largest->Size >= Needed) {
    std::swap(Chunks[0], *Largest);
    dropChunksFrom(1);
    Chunks[0].Before = 0;
    makeCurrent(0, 0);
    return;
  }
  size_t Total = capacity();
  dropChunksFrom(0);
  if (addChunk(Total))
    makeCurrent(0, 0);
}

} // namespace pyfront

using pyfront::Arena;

int64_t pyfront_arena_enter(void) { return Arena::ofThread().enter(); }

void pyfront_arena_leave(int64_t Mark) { Arena::ofThread().leave(Mark); }

void *pyfront_arena_alloc(int64_t Bytes) {
  return Arena::ofThread().alloc(Bytes);
}

void *pyfront_arena_alloc_zeroed(int64_t Bytes) {
  return Arena::ofThread().allocZeroed(Bytes);
}

void *pyfront_arena_grow(void *Old, int64_t OldBytes, int64_t NewBytes) {
  return Arena::ofThread().grow(Old, OldBytes, NewBytes);
}
