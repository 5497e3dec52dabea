//===- Symbols.cpp - What derivatives may call ----------------------------===//
///
/// \file
/// The list itself. A new run-time function is declared in its header and named
/// here.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/runtime/Symbols.h"
#include "enzyme_pass/runtime/Arena.h"
#include "enzyme_pass/runtime/SpecialFunctions.h"
#include "enzyme_pass/runtime/TapeMemory.h"
#include <iterator>

#define SYMBOL(Name) {#Name, reinterpret_cast<void *>(&Name)}

namespace {
struct Symbol {
  const char *Name;
  void *Address;
};
} // namespace

static const Symbol Symbols[] = {SYMBOL(pyfront_arena_enter),
                                 SYMBOL(pyfront_arena_leave),
                                 SYMBOL(pyfront_arena_alloc),
                                 SYMBOL(pyfront_arena_alloc_zeroed),
                                 SYMBOL(pyfront_arena_grow),
                                 SYMBOL(pyfront_tape_open),
                                 SYMBOL(pyfront_tape_alloc),
                                 SYMBOL(pyfront_tape_alloc_shadow),
                                 SYMBOL(pyfront_tape_grow),
                                 SYMBOL(pyfront_tape_rewind),
                                 SYMBOL(pyfront_tape_free),
#define SPECIAL_FUNCTION(Name) SYMBOL(Name),
                                 PYFRONT_SPECIAL_FUNCTIONS(SPECIAL_FUNCTION)
#undef SPECIAL_FUNCTION
};

size_t pyfront_runtime_symbol_count(void) { return std::size(Symbols); }

const char *pyfront_runtime_symbol(size_t Index, void **Address) {
  if (Index >= std::size(Symbols))
    return nullptr;
  *Address = Symbols[Index].Address;
  return Symbols[Index].Name;
}
