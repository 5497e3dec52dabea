//===- CApi.cpp - The engine's C interface --------------------------------===//
///
/// \file
/// Hands calls on to the driver and to the run-time library, and owns the texts
/// that it returns.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/CApi.h"
#include "enzyme_pass/Driver.h"
#include "enzyme_pass/plan/Planner.h"
#include "enzyme_pass/runtime/Arena.h"
#include "enzyme_pass/runtime/Symbols.h"
#include "enzyme_pass/runtime/TapeMemory.h"
#include "llvm/Config/llvm-config.h"

using namespace llvm;
using namespace pyfront;

struct pyfront_result {
  Outcome Result;
  std::string Diagnostics;
};

pyfront_result *pyfront_differentiate(const char *bitcode, size_t size,
                                      const char *request_json) {
  Outcome Result = differentiate(StringRef(bitcode, size), request_json);
  std::string Diagnostics = Result.Diagnostics.toJSON();
  return new pyfront_result{std::move(Result), std::move(Diagnostics)};
}

int32_t pyfront_result_ok(const pyfront_result *result) {
  return result->Result.ok();
}

const char *pyfront_result_bitcode(const pyfront_result *result, size_t *size) {
  *size = result->Result.Bitcode.size();
  return result->Result.Bitcode.data();
}

const char *pyfront_result_text(const pyfront_result *result,
                                const char *what) {
  if (StringRef(what) == "diagnostics")
    return result->Diagnostics.c_str();
  auto Found = result->Result.Texts.find(what);
  return Found == result->Result.Texts.end() ? "" : Found->second.c_str();
}

void pyfront_result_free(pyfront_result *result) { delete result; }

const char *pyfront_declarations(void) {
  static const char Text[] =
#include "CApiText.inc"
      ;
  return Text;
}

const char *pyfront_llvm_version(void) { return LLVM_VERSION_STRING; }

size_t pyfront_runtime_symbol_count(void) { return runtimeSymbols().size(); }

const char *pyfront_runtime_symbol(size_t index, void **address) {
  ArrayRef<RuntimeSymbol> Symbols = runtimeSymbols();
  if (index >= Symbols.size())
    return nullptr;
  *address = Symbols[index].Address;
  return Symbols[index].Name;
}

const char *pyfront_plan_step(size_t index) {
  ArrayRef<Improvement> All = improvements();
  return index < All.size() ? All[index].Name : nullptr;
}

void pyfront_release_memory(void) {
  Arena::ofThread().release();
  TapeMemory::releasePool();
}

size_t pyfront_arena_capacity(void) { return Arena::ofThread().capacity(); }

size_t pyfront_arena_in_use(void) { return Arena::ofThread().inUse(); }

size_t pyfront_arena_peak(void) { return Arena::ofThread().peak(); }

void pyfront_arena_reset_peak(void) { Arena::ofThread().resetPeak(); }

int64_t pyfront_refused_bytes(void) { return Arena::lastRefused(); }

void pyfront_release_tape(void *tape) { pyfront_tape_free(tape); }

size_t pyfront_tape_bytes(const void *tape) {
  return static_cast<const TapeMemory *>(tape)->bytes();
}

size_t pyfront_live_tapes(void) { return TapeMemory::live(); }
