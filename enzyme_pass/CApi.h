/*===- CApi.h - The engine's C interface ----------------------------------===*\
|*
|* The one seam between Python and the engine (docs/architecture.md, seam 1).
|* Plain C: pyfront/engine.py asks the engine for this text and gives it to
|* cffi. Every function is thread-safe, and none throws, prints or ends the
|* process.
|*
\*===----------------------------------------------------------------------===*/

#ifndef PYFRONT_CAPI_H
#define PYFRONT_CAPI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PYFRONT_API __attribute__((visibility("default")))

typedef struct pyfront_result pyfront_result;

/** Differentiates the kernel in `bitcode` as `request_json` says. Never null;
 * to be freed. */
PYFRONT_API pyfront_result *pyfront_differentiate(const char *bitcode,
                                                  size_t size,
                                                  const char *request_json);

/** 1: the result holds a derivative. 0: its diagnostics say why not. */
PYFRONT_API int32_t pyfront_result_ok(const pyfront_result *result);

/** The derivative's module; lives as long as the result. */
PYFRONT_API const char *pyfront_result_bitcode(const pyfront_result *result,
                                               size_t *size);

/** "plan", "facts", "prepared", if the request names them in its "texts";
 * "written", "times" (JSON, docs/architecture.md) and "diagnostics" (a JSON
 * array) always; "" if there is none. Lives as long as the result. */
PYFRONT_API const char *pyfront_result_text(const pyfront_result *result,
                                            const char *what);

PYFRONT_API void pyfront_result_free(pyfront_result *result);

/** The text of core/Contract.h and of this header. */
PYFRONT_API const char *pyfront_declarations(void);

/** Version of the LLVM that the engine is built with, as "22.1.8". */
PYFRONT_API const char *pyfront_llvm_version(void);

/* From here on, but for the plan's steps, the functions are those of the
 * run-time library, libpyfront_runtime.so, which the engine is linked with. */

/** The functions that derivatives call. Name and address of the one at `index`;
 * null past the end. */
PYFRONT_API size_t pyfront_runtime_symbol_count(void);
PYFRONT_API const char *pyfront_runtime_symbol(size_t index, void **address);

/** Name of the plan's improvement at `index`, by which a request can switch it
 * off; null past the end. */
PYFRONT_API const char *pyfront_plan_step(size_t index);

/** Gives the calling thread's arena back to the system, unless it is in use,
 * and the memory of freed tapes. */
PYFRONT_API void pyfront_release_memory(void);

/** Of the calling thread's arena, in bytes: held, in use, and the most that was
 * in use. */
PYFRONT_API size_t pyfront_arena_capacity(void);
PYFRONT_API size_t pyfront_arena_in_use(void);
PYFRONT_API size_t pyfront_arena_peak(void);
PYFRONT_API void pyfront_arena_reset_peak(void);

/** The bytes that the calling thread was last refused, for a tape or a local
 * array; negative: more than can be counted. */
PYFRONT_API int64_t pyfront_refused_bytes(void);

/** Of a tape that the forward half of a split derivative has handed out: ends
 * its life; the bytes that it holds. */
PYFRONT_API void pyfront_release_tape(void *tape);
PYFRONT_API size_t pyfront_tape_bytes(const void *tape);

/** How many tapes are alive in the process. */
PYFRONT_API size_t pyfront_live_tapes(void);

#ifdef __cplusplus
}
#endif

#endif /* PYFRONT_CAPI_H */
