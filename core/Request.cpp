//===- Request.cpp - What is to be differentiated -------------------------===//
///
/// \file
/// Strict parsing: an unknown word or a missing key is an error that names its
/// place, because a request that is half understood would give a derivative of
/// something else.
///
//===----------------------------------------------------------------------===//

#include "core/Request.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include <algorithm>
#include <utility>

using namespace llvm;

namespace pyfront {

template <typename T> using Words = ArrayRef<std::pair<StringRef, T>>;

/// Reads one word of a closed list.
template <typename T>
static bool fromWord(const json::Value &V, T &Out, json::Path P,
                     Words<T> Known) {
  if (std::optional<StringRef> Text = V.getAsString())
    for (const auto &[Word, Meaning] : Known)
      if (Word == *Text) {
        Out = Meaning;
        return true;
      }
  P.report("unknown word");
  return false;
}

static bool fromJSON(const json::Value &V, Mode &Out, json::Path P) {
  static constexpr std::pair<StringRef, Mode> Known[] = {
      {"reverse", Mode::Reverse},
      {"forward", Mode::Forward},
      {"split", Mode::Split}};
  return fromWord<Mode>(V, Out, P, Known);
}

static bool fromJSON(const json::Value &V, ArgKind &Out, json::Path P) {
  static constexpr std::pair<StringRef, ArgKind> Known[] = {
      {"scalar", ArgKind::Scalar}, {"array", ArgKind::Array}};
  return fromWord<ArgKind>(V, Out, P, Known);
}

static bool fromJSON(const json::Value &V, Annotation &Out, json::Path P) {
  static constexpr std::pair<StringRef, Annotation> Known[] = {
      {"const", Annotation::Const},
      {"active", Annotation::Active},
      {"duplicated", Annotation::Duplicated}};
  return fromWord<Annotation>(V, Out, P, Known);
}

static bool fromJSON(const json::Value &V, ScalarType &Out, json::Path P) {
  static constexpr std::pair<StringRef, ScalarType> Known[] = {
      {"f64", ScalarType::F64},   {"f32", ScalarType::F32},
      {"i64", ScalarType::I64},   {"i32", ScalarType::I32},
      {"i16", ScalarType::I16},   {"i8", ScalarType::I8},
      {"u64", ScalarType::U64},   {"u32", ScalarType::U32},
      {"u16", ScalarType::U16},   {"u8", ScalarType::U8},
      {"bool", ScalarType::Bool}, {"other", ScalarType::Other}};
  return fromWord<ScalarType>(V, Out, P, Known);
}

static bool fromJSON(const json::Value &V, ArgInfo &Out, json::Path P) {
  json::ObjectMapper O(V, P);
  if (!O || !O.map("name", Out.Name) || !O.map("kind", Out.Kind) ||
      !O.map("type", Out.Type) || !O.map("annotation", Out.Note) ||
      !O.map("param", Out.FirstParam))
    return false;
  if (!Out.isArray())
    return true;
  std::string Layout;
  if (!O.map("rank", Out.Rank) || !O.map("layout", Layout))
    return false;
  if (Layout != "C" && Layout != "F" && Layout != "A") {
    P.field("layout").report("expected C, F or A");
    return false;
  }
  if (Out.Note == Annotation::Active) {
    P.field("annotation").report("an array cannot be active");
    return false;
  }
  Out.Layout = Layout[0];
  return true;
}

static bool fromJSON(const json::Value &V, ResultInfo &Out, json::Path P) {
  json::ObjectMapper O(V, P);
  if (!O || !O.map("type", Out.Type) || !O.map("offset", Out.Offset))
    return false;
  if (Out.Type != ScalarType::Other)
    return true;
  P.field("type").report("a result is made of numbers");
  return false;
}

static bool fromJSON(const json::Value &V, ArrayResult &Out, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("type", Out.Type) && O.map("offset", Out.Offset);
}

static bool fromJSON(const json::Value &V, FrameWord &Out, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.mapOptional("type", Out.Type) && O.map("offset", Out.Offset) &&
         O.map("operand", Out.Operand) && O.map("place", Out.Place);
}

static bool fromJSON(const json::Value &V, RuleInfo &Out, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("symbol", Out.Symbol) && O.map("refuses", Out.Refuses) &&
         O.map("inactive", Out.IsInactive) && O.map("strict", Out.Strict) &&
         O.map("value_bytes", Out.ValueBytes) &&
         O.map("frame_bytes", Out.FrameBytes) &&
         O.map("tangent_bytes", Out.TangentBytes) &&
         O.map("adjoint_bytes", Out.AdjointBytes) &&
         O.map("tangent_offset", Out.TangentOffset) &&
         O.map("adjoint_offsets", Out.AdjointOffsets) &&
         O.map("writes", Out.Writes) &&
         O.map("surely_writes", Out.SurelyWrites) &&
         O.map("reads", Out.Reads) && O.mapOptional("words", Out.Words);
}

static bool fromJSON(const json::Value &V, FunctionInfo &Out, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("primal", Out.Primal) && O.map("name", Out.Name) &&
         O.map("args", Out.Args) && O.map("results", Out.Results) &&
         O.mapOptional("arrays", Out.Arrays) && O.mapOptional("rule", Out.Rule);
}

/// A scalar's derivative is an adjoint in reverse mode and a shadow in forward
/// mode.
static bool checkScalars(const Request &R, json::Path P) {
  Annotation Wrong =
      R.How == Mode::Forward ? Annotation::Active : Annotation::Duplicated;
  for (unsigned I = 0; I < R.Args.size(); ++I)
    if (!R.Args[I].isArray() && R.Args[I].Note == Wrong) {
      P.field("args")
          .index(I)
          .field("annotation")
          .report("not for a scalar in this mode");
      return false;
    }
  return true;
}

static bool checkWidth(const Request &R, json::Path P) {
  if (R.Width >= 1 && R.Width <= MaxWidth)
    return true;
  P.field("width").report("out of range");
  return false;
}

static bool fromJSON(const json::Value &V, Request &Out, json::Path P) {
  json::ObjectMapper O(V, P);
  if (!O || !O.map("primal", Out.Primal) || !O.map("name", Out.Name) ||
      !O.map("mode", Out.How) || !O.map("args", Out.Args) ||
      !O.map("results", Out.Results) ||
      !O.mapOptional("functions", Out.Functions) ||
      !O.mapOptional("may_alias", Out.MayAlias) ||
      !O.mapOptional("width", Out.Width) ||
      !O.mapOptional("embedded", Out.Embedded) ||
      !O.mapOptional("texts", Out.Texts) ||
      !O.mapOptional("disable", Out.Disable))
    return false;
  const json::Object &Fields = *V.getAsObject();
  if (std::optional<StringRef> Dir = Fields.getString("dump_dir"))
    Out.DumpDir = Dir->str();
  return checkScalars(Out, P) && checkWidth(Out, P);
}

std::vector<std::string> Request::symbols() const {
  if (How != Mode::Split)
    return {Name};
  return {Name + halves::Forward.str(), Name + halves::Reverse.str()};
}

bool Request::returnsFloat() const {
  return any_of(Results, [](const ResultInfo &R) { return isFloat(R.Type); }) ||
         any_of(Arrays, [](const ArrayResult &A) { return isFloat(A.Type); });
}

bool Request::hasSeedByValue() const {
  return How != Mode::Forward && Width == 1 && Results.size() == 1;
}

unsigned Request::resultBytes() const {
  unsigned Bytes = 0;
  for (const ResultInfo &R : Results)
    Bytes = std::max(Bytes, R.Offset + bitsOf(R.Type) / 8);
  return Bytes;
}

bool Request::isDisabled(StringRef Step) const {
  return is_contained(Disable, Step);
}

bool Request::isWanted(StringRef Text) const {
  return is_contained(Texts, Text);
}

Expected<Request> parseRequest(StringRef Json) {
  Expected<json::Value> Value = json::parse(Json);
  if (!Value)
    return Value.takeError();
  json::Path::Root Root("request");
  Request R;
  if (!fromJSON(*Value, R, Root))
    return Root.getError();
  return R;
}

} // namespace pyfront
