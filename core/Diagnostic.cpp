//===- Diagnostic.cpp - What is not supported, and where ------------------===//
///
/// \file
/// Places come from debug info, which the front end asks of Numba; the JSON
/// form is what pyfront/errors.py reads.
///
//===----------------------------------------------------------------------===//

#include "core/Diagnostic.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Instruction.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace pyfront;

static SourceLocation makeLocation(StringRef Directory, StringRef File,
                                   unsigned Line) {
  SmallString<128> Path;
  if (!sys::path::is_absolute(File))
    Path = Directory;
  sys::path::append(Path, File);
  return {std::string(Path), Line};
}

static SourceLocation locationOf(const DILocation &L) {
  return makeLocation(L.getDirectory(), L.getFilename(), L.getLine());
}

/// The first location at or before \p I in its block that names a line.
static const DILocation *findLocation(const Instruction &I) {
  for (const Instruction *At = &I; At; At = At->getPrevNode())
    if (const DILocation *L = At->getDebugLoc().get())
      if (L->getLine() != 0)
        return L;
  return nullptr;
}

SourceLocation pyfront::locationOf(const Function &F) {
  if (const DISubprogram *S = F.getSubprogram())
    return makeLocation(S->getDirectory(), S->getFilename(), S->getLine());
  return {};
}

SourceLocation pyfront::locationOf(const Instruction &I) {
  if (const DILocation *L = findLocation(I))
    return ::locationOf(*L);
  return locationOf(*I.getFunction());
}

std::vector<SourceLocation> pyfront::inlineChainOf(const Instruction &I) {
  std::vector<SourceLocation> Chain;
  const DILocation *L = findLocation(I);
  while (L && (L = L->getInlinedAt()))
    if (L->getLine() != 0)
      Chain.push_back(::locationOf(*L));
  return Chain;
}

void DiagnosticSink::report(Diagnostic D) {
  for (const Diagnostic &Known : Diagnostics)
    if (Known.Message == D.Message && Known.Where == D.Where)
      return;
  Diagnostics.push_back(std::move(D));
}

void DiagnosticSink::unsupported(const Instruction &I, const Twine &Message,
                                 const Twine &Help) {
  std::string Text = Message.str();
  raw_string_ostream OS(Text);
  for (const SourceLocation &Call : inlineChainOf(I))
    OS << ", called from " << Call.File << ":" << Call.Line;
  report({DiagnosticCode::Unsupported, Text, Help.str(), locationOf(I)});
}

void DiagnosticSink::unsupported(const Function &F, const Twine &Message,
                                 const Twine &Help) {
  report(
      {DiagnosticCode::Unsupported, Message.str(), Help.str(), locationOf(F)});
}

void DiagnosticSink::internal(const Twine &Message, SourceLocation Where) {
  report({DiagnosticCode::Internal, Message.str(), "", std::move(Where)});
}

std::string DiagnosticSink::toJSON() const {
  json::Array List;
  for (const Diagnostic &D : Diagnostics)
    List.push_back(json::Object{{"code", D.Code == DiagnosticCode::Unsupported
                                             ? "unsupported"
                                             : "internal"},
                                {"message", json::fixUTF8(D.Message)},
                                {"help", json::fixUTF8(D.Help)},
                                {"file", json::fixUTF8(D.Where.File)},
                                {"line", int64_t(D.Where.Line)}});
  std::string Text;
  raw_string_ostream(Text) << json::Value(std::move(List));
  return Text;
}
