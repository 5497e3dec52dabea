//===- Memory.cpp - Numba's memory, in a library of its own ---------------===//
///
/// \file
/// Reference-counted memory as compiled code of Numba's knows it: arrays that
/// the parts of rules allocate, and exceptions. The layout of `MemInfo` and the
/// names are Numba's (numba/core/runtime/nrt.cpp); what they do is written for
/// a library without Python.
///
/// Invariant: what is not defined in this folder, or in the runtime's, is a
/// function of the C library, of libm, BLAS or LAPACK, or the export is refused.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/runtime/Arena.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using Destructor = void (*)(void *Data, size_t Size, void *Info);

struct MemInfo {
  size_t References;
  Destructor Destroy;
  void *Info;
  void *Data;
  size_t Size;
  /// Numba's allocator of the user's; there is none here.
  void *Allocator;
};

MemInfo *describe(void *Memory, void *Data, size_t Size, Destructor Destroy,
                  void *Info) {
  auto *Result = static_cast<MemInfo *>(Memory);
  if (Result)
    *Result = {1, Destroy, Info, Data, Size, nullptr};
  return Result;
}

/// A description with its data behind it, in one piece.
MemInfo *allocate(size_t Size, size_t Alignment) {
  char *Base = nullptr;
  size_t Total = 0;
  if (!__builtin_add_overflow(Size, sizeof(MemInfo) + Alignment, &Total))
    Base = static_cast<char *>(std::malloc(Total));
  if (!Base)
    return nullptr;
  auto Address = reinterpret_cast<uintptr_t>(Base + sizeof(MemInfo));
  if (Alignment)
    Address = (Address + Alignment - 1) / Alignment * Alignment;
  return describe(Base, reinterpret_cast<void *>(Address), Size, nullptr,
                  nullptr);
}

/// Of memory that can grow: `Info` is what ends its elements, if they need it.
void destroyVariable(void *Data, size_t, void *Info) {
  if (Info)
    reinterpret_cast<void (*)(void *)>(Info)(Data);
  std::free(Data);
}

} // namespace

extern "C" {

void *NRT_Allocate(size_t Size) { return std::malloc(Size); }
void NRT_Free(void *Memory) { std::free(Memory); }

void *NRT_MemInfo_alloc(size_t Size) { return allocate(Size, 0); }
void *NRT_MemInfo_alloc_safe(size_t Size) { return allocate(Size, 0); }
void *NRT_MemInfo_alloc_aligned(size_t Size, unsigned Alignment) {
  return allocate(Size, Alignment);
}
void *NRT_MemInfo_alloc_safe_aligned(size_t Size, unsigned Alignment) {
  return allocate(Size, Alignment);
}

void NRT_MemInfo_call_dtor(void *Memory) {
  auto *Described = static_cast<MemInfo *>(Memory);
  if (Described->Destroy)
    Described->Destroy(Described->Data, Described->Size, Described->Info);
  std::free(Described);
}

void NRT_incref(void *Memory) {
  if (Memory)
    __atomic_fetch_add(&static_cast<MemInfo *>(Memory)->References, 1,
                       __ATOMIC_RELAXED);
}

void NRT_decref(void *Memory) {
  if (Memory && __atomic_fetch_sub(&static_cast<MemInfo *>(Memory)->References,
                                   1, __ATOMIC_ACQ_REL) == 1)
    NRT_MemInfo_call_dtor(Memory);
}

void *NRT_MemInfo_data_fast(void *Memory) {
  return static_cast<MemInfo *>(Memory)->Data;
}

void *NRT_MemInfo_new_varsize_dtor(size_t Size, void *Elements) {
  void *Data = std::malloc(Size);
  void *Memory = Data ? std::malloc(sizeof(MemInfo)) : nullptr;
  if (!Memory)
    std::free(Data);
  return describe(Memory, Data, Size, destroyVariable, Elements);
}

void *NRT_MemInfo_new_varsize(size_t Size) {
  return NRT_MemInfo_new_varsize_dtor(Size, nullptr);
}

void *NRT_MemInfo_varsize_alloc(void *Memory, size_t Size) {
  auto *Described = static_cast<MemInfo *>(Memory);
  Described->Data = std::malloc(Size);
  if (Described->Data)
    Described->Size = Size;
  return Described->Data;
}

void *NRT_MemInfo_varsize_realloc(void *Memory, size_t Size) {
  auto *Described = static_cast<MemInfo *>(Memory);
  Described->Data = std::realloc(Described->Data, Size);
  if (Described->Data)
    Described->Size = Size;
  return Described->Data;
}

void NRT_MemInfo_varsize_free(void *Memory, void *Data) {
  std::free(Data);
  auto *Described = static_cast<MemInfo *>(Memory);
  if (Described->Data == Data)
    Described->Data = nullptr;
}

// What Numba's code does where LAPACK was called wrongly: nothing can go on.
void numba_gil_ensure(void *) {}
void numba_gil_release(void *) {}
void Py_FatalError(const char *Message) {
  std::fprintf(stderr, "fatal: %s\n", Message);
  std::abort();
}
int numba_fatal_error(void) {
  Py_FatalError("BLAS or LAPACK was called wrongly");
  return -1;
}

// A derivative that is called by others takes its memory from a tape, or where
// there is none from the arena. No exported function has a tape.
void *pyfront_tape_alloc(void *, int64_t Bytes) {
  return pyfront_arena_alloc(Bytes);
}
void *pyfront_tape_alloc_shadow(void *, int64_t Bytes) {
  return pyfront_arena_alloc_zeroed(Bytes);
}
void *pyfront_tape_grow(void *, void *Old, int64_t OldBytes, int64_t NewBytes) {
  return pyfront_arena_grow(Old, OldBytes, NewBytes);
}

/// Gives back the memory that this thread keeps for its next call.
void pyfront_release(void) { pyfront::Arena::ofThread().release(); }

// The destructor of a thread's arena, registered with the C library and not by
// way of the C++ library, which is not linked.
extern void *__dso_handle;
int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
int __cxa_thread_atexit(void (*Destroy)(void *), void *Object, void *) {
  return __cxa_thread_atexit_impl(Destroy, Object, &__dso_handle);
}
}
