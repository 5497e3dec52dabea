//===- Control.h - What may be asked of the run-time library --------------===//
///
/// \file
/// Memory that derivatives hold, for Python: how much there is, and giving it
/// back. These are functions of the engine's C interface (CApi.h, where each is
/// explained) that the run-time library defines, for it is loaded without the
/// engine where code comes from the cache.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_RUNTIME_CONTROL_H
#define PYFRONT_RUNTIME_CONTROL_H

#include <cstddef>
#include <cstdint>

extern "C" {
void pyfront_release_memory(void);
size_t pyfront_arena_capacity(void);
size_t pyfront_arena_in_use(void);
size_t pyfront_arena_peak(void);
void pyfront_arena_reset_peak(void);
int64_t pyfront_refused_bytes(void);
void pyfront_release_tape(void *Tape);
size_t pyfront_tape_bytes(const void *Tape);
size_t pyfront_live_tapes(void);
}

#endif // PYFRONT_RUNTIME_CONTROL_H
