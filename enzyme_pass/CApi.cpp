//===- CApi.cpp - The engine's C interface --------------------------------===//
///
/// \file
/// Hands calls on to the driver, and owns the texts that it returns. What is said
/// of the run-time library is its own (runtime/Control.cpp).
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/CApi.h"
#include "enzyme_pass/Driver.h"
#include "enzyme_pass/plan/Planner.h"
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

const char *pyfront_plan_step(size_t index) {
  ArrayRef<Improvement> All = improvements();
  return index < All.size() ? All[index].Name : nullptr;
}
