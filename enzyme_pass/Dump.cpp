//===- Dump.cpp -----------------------------------------------------------===//
#include "enzyme_pass/Dump.h"
#include "core/Check.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace pyfront {

static constexpr StringLiteral Files[] = {"captured.ll",   "prepared.ll",
                                          "facts.txt",     "plan.txt",
                                          "derivative.ll", "finished.ll"};

void Dump::open(StringRef To) {
  Folder = To.str();
  if (isOn() && sys::fs::create_directories(Folder))
    HasFailed = true;
}

void Dump::write(StringRef Stage, StringRef Text) {
  if (!isOn())
    return;
  const auto *File =
      find_if(Files, [&](StringRef F) { return sys::path::stem(F) == Stage; });
  PF_CHECK(File != std::end(Files), "every stage that is dumped has a file");
  SmallString<128> Path(Folder);
  sys::path::append(Path, Twine(File - std::begin(Files)) + "-" + *File);
  std::error_code Problem;
  raw_fd_ostream OS(Path, Problem);
  if (!Problem)
    OS << Text;
  HasFailed |= Problem || OS.has_error();
  OS.clear_error();
}

void Dump::write(StringRef Stage, const Module &M) {
  if (!isOn())
    return;
  std::string Text;
  raw_string_ostream(Text) << M;
  write(Stage, Text);
}

} // namespace pyfront
