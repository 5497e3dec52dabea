//===- Control.cpp - What may be asked of the run-time library ------------===//
///
/// \file
/// The questions, put to the arena and the tapes.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/runtime/Control.h"
#include "enzyme_pass/runtime/Arena.h"
#include "enzyme_pass/runtime/TapeMemory.h"

using namespace pyfront;

void pyfront_release_memory(void) {
  Arena::ofThread().release();
  TapeMemory::releasePool();
}

size_t pyfront_arena_capacity(void) { return Arena::ofThread().capacity(); }

size_t pyfront_arena_in_use(void) { return Arena::ofThread().inUse(); }

size_t pyfront_arena_peak(void) { return Arena::ofThread().peak(); }

void pyfront_arena_reset_peak(void) { Arena::ofThread().resetPeak(); }

int64_t pyfront_refused_bytes(void) { return Arena::lastRefused(); }

void pyfront_release_tape(void *Tape) { pyfront_tape_free(Tape); }

size_t pyfront_tape_bytes(const void *Tape) {
  return static_cast<const TapeMemory *>(Tape)->bytes();
}

size_t pyfront_live_tapes(void) { return TapeMemory::live(); }
