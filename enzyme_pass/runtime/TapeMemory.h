//===- TapeMemory.h - The memory of a derivative in two halves ------------===//
///
/// \file
/// What the forward half of a split derivative leaves for the reverse half: an
/// arena of its own, because it outlives the call, may be read on another
/// thread, and any number of tapes live side by side.
///
/// \code
///   tape = pyfront_tape_open(bytes of the frame)      ; forward half
///   u    = pyfront_tape_alloc(tape, 8 * n)            ; tape, local arrays
///   u'   = pyfront_tape_alloc_shadow(tape, 8 * n)     ; shadows of these
///   ...
///   pyfront_tape_rewind(tape)                         ; reverse half, each
///   call frame = load tape                                 ; what crosses the
///   cut
///   ...
///   pyfront_tape_free(tape)                           ; by its owner
/// \endcode
///
/// Shadows lie apart, so that a reverse half can zero them all when it begins:
/// whatever the last one left there does not count.
///
/// Invariants:
///  T1  The first word of a tape is the address of its frame.
///  T2  Memory of a tape does not move and is not handed out again until the
///  tape is freed. T3  A tape is used by one thread at a time (its owner sees
///  to that); opening and freeing need no care.
///
/// Where a null tape is passed, the memory is the thread's arena's, and shadows
/// are zero at once: a derivative that another one calls takes its memory from
/// where its caller does.
///
/// A freed tape waits in a pool with its memory, so that the next forward half
/// makes no system call.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_RUNTIME_TAPEMEMORY_H
#define PYFRONT_RUNTIME_TAPEMEMORY_H

#include "enzyme_pass/runtime/Arena.h"

namespace pyfront {

class TapeMemory {
public:
  /// From the pool, or new; null when memory is out.
  static TapeMemory *open(int64_t FrameBytes);
  /// Back to the pool; null is no tape.
  static void free(TapeMemory *Tape);
  /// Unmaps what the pool holds.
  static void releasePool();
  /// Tapes that are open.
  static size_t live();

  void *alloc(int64_t Bytes) { return Values.alloc(Bytes); }
  /// Contents are undefined until `rewind`.
  void *allocShadow(int64_t Bytes) { return Shadows.alloc(Bytes); }
  void *grow(void *Old, int64_t OldBytes, int64_t NewBytes) {
    return Values.grow(Old, OldBytes, NewBytes);
  }
  /// Zeroes all shadows.
  void rewind() { Shadows.zero(); }
  size_t bytes() const { return Values.inUse() + Shadows.inUse(); }

private:
  TapeMemory() = default;

  void *Frame = nullptr;
  Arena Values, Shadows;
  /// In the pool.
  TapeMemory *Next = nullptr;
};

} // namespace pyfront

// Called from emitted IR; see docs/architecture.md, seam 3.
extern "C" {
void *pyfront_tape_open(int64_t FrameBytes);
void *pyfront_tape_alloc(void *Tape, int64_t Bytes);
void *pyfront_tape_alloc_shadow(void *Tape, int64_t Bytes);
void *pyfront_tape_grow(void *Tape, void *Old, int64_t OldBytes,
                        int64_t NewBytes);
void pyfront_tape_rewind(void *Tape);
void pyfront_tape_free(void *Tape);
}

#endif // PYFRONT_RUNTIME_TAPEMEMORY_H
