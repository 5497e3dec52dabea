//===- Dump.h - The text of every stage of one kernel, in a folder --------===//
///
/// \file
/// For whoever works on the engine: what each stage made of a kernel, under the
/// stage's name, numbered in the order of the stages:
///
///   0-captured.ll  1-prepared.ll  2-facts.txt  3-plan.txt
///   4-derivative.ll               as emitted
///   5-finished.ll                 as handed to the code generator
///
/// Off unless the request names a folder (`dump_dir`).
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_DUMP_H
#define PYFRONT_DUMP_H

#include "llvm/IR/Module.h"
#include <string>

namespace pyfront {

class Dump {
public:
  /// Makes the folder; empty: nothing is written.
  void open(llvm::StringRef Folder);
  bool isOn() const { return !Folder.empty(); }
  void write(llvm::StringRef Stage, llvm::StringRef Text);
  void write(llvm::StringRef Stage, const llvm::Module &M);
  /// Whether a file could not be written.
  bool failed() const { return HasFailed; }

private:
  std::string Folder;
  bool HasFailed = false;
};

} // namespace pyfront

#endif
