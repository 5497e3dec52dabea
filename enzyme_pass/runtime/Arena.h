//===- Arena.h - Where derivatives keep their tape ------------------------===//
///
/// \file
/// A stack of memory per thread for tapes, snapshots and shadows of
/// temporaries. A derivative takes a mark when it begins and returns to it when
/// it ends, on every way out:
///
/// \code
///   mark = pyfront_arena_enter()        ; also inside another derivative
///   tape = pyfront_arena_alloc(8 * n)
///   ...
///   pyfront_arena_leave(mark)           ; all that was allocated since the
///   mark is free
/// \endcode
///
/// Half of a gradient's time goes into page faults when each call maps memory
/// afresh. So the arena keeps what it has mapped: from the second or third
/// equal call on it makes no system call.
///
/// Invariants:
///  A1  Memory that was handed out does not move and is not handed out again
///  until its mark is left. A2  Chunks behind the current one hold nothing. A3
///  When nothing is in use there is at most one chunk, so that the next call
///  runs in contiguous memory.
///
/// No locks: an arena belongs to its thread, and is unmapped when the thread
/// ends; or to a tape (TapeMemory.h), which is used by one thread at a time.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_RUNTIME_ARENA_H
#define PYFRONT_RUNTIME_ARENA_H

#include <cstddef>
#include <cstdint>

namespace pyfront {

class Arena {
public:
  /// Every address is a multiple of this: a cache line, and the widest vector
  /// there is.
  static constexpr size_t Alignment = 64;

  static Arena &ofThread();

  int64_t enter() const;
  void leave(int64_t Mark);

  /// Null when memory is out or \p Bytes is absurd (negative, or beyond the
  /// address space). Zero bytes give an address of their own.
  void *alloc(int64_t Bytes) {
    if (Bytes < 0 || Bytes > MaxBytes)
      return refuse(Bytes);
    size_t Size = roundUp(Bytes);
    if (Size > size_t(End - Top))
      return allocInNextChunk(Size);
    char *Result = Top;
    Top += Size;
    return Result;
  }
  void *allocZeroed(int64_t Bytes);

  /// Makes an allocation larger: in place if it is the newest of its chunk,
  /// else by a copy. The old memory stays valid until the mark is left. Null:
  /// as for alloc; \p Old is unharmed.
  void *grow(void *Old, int64_t OldBytes, int64_t NewBytes);

  /// Zeroes all that is in use.
  void zero();

  /// Unmaps everything, unless something is in use.
  void release();

  size_t capacity() const;
  size_t inUse() const;
  size_t peak() const;
  void resetPeak() { Peak = inUse(); }

  /// The bytes of the last request on this thread, to any arena, that there was
  /// no memory for.
  static int64_t lastRefused();

private:
  friend struct ArenaReaper;

  struct Chunk {
    char *Base;
    size_t Size;
    /// Bytes in use in the chunks before this one.
    size_t Before;
  };

  static constexpr int64_t MaxBytes = int64_t(1) << 46;
  /// Each new chunk is at least as large as all before it, so 64 are more than
  /// an address space holds.
  static constexpr unsigned MaxChunks = 64;

  static constexpr size_t roundUp(int64_t Bytes) {
    return (size_t(Bytes) + (Bytes == 0) + Alignment - 1) & ~(Alignment - 1);
  }

  static void *refuse(int64_t Bytes);
  void *allocInNextChunk(size_t Size);
  bool addChunk(size_t Size);
  void dropChunksFrom(unsigned First);
  void makeCurrent(unsigned Index, size_t Offset);
  void coalesce(size_t Needed);

  // All zero at first, so that a thread's arena needs no constructor and no
  // guard.
  char *Top = nullptr;
  char *End = nullptr;
  size_t Peak = 0;
  /// The most that was in use since nothing was.
  size_t HighWater = 0;
  unsigned NumChunks = 0;
  unsigned Current = 0;
  Chunk Chunks[MaxChunks] = {};
};

} // namespace pyfront

// Called from emitted IR; see docs/architecture.md, seam 3.
extern "C" {
int64_t pyfront_arena_enter(void);
void pyfront_arena_leave(int64_t Mark);
void *pyfront_arena_alloc(int64_t Bytes);
void *pyfront_arena_alloc_zeroed(int64_t Bytes);
void *pyfront_arena_grow(void *Old, int64_t OldBytes, int64_t NewBytes);
}

#endif // PYFRONT_RUNTIME_ARENA_H
