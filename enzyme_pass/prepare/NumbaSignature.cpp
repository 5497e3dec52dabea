//===- NumbaSignature.cpp - The calling convention of Numba ---------------===//
///
/// \file
///   i32 f(ptr result, ptr excinfo, arguments...)
///
/// A scalar is one parameter. An array is `meminfo, parent, nitems, itemsize,
/// data`, then its extents, then its strides in bytes.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"

using namespace llvm;

namespace pyfront {

namespace {

enum Parameter : unsigned { Result = 0, Failure = 1, FirstPassed = 2 };
enum ArrayParameter : unsigned { Items = 2, ItemSize = 3, Data = 4, Axes = 5 };

ArgumentLeaf leafOf(const ArgInfo &Arg, Function &F) {
  auto At = [&](unsigned Offset) { return F.getArg(Arg.FirstParam + Offset); };
  ArgumentLeaf Leaf;
  if (!Arg.isArray()) {
    Leaf.Data = At(0);
    return Leaf;
  }
  Leaf.Items = At(Items);
  Leaf.ItemSize = At(ItemSize);
  Leaf.Data = At(Data);
  for (unsigned Axis = 0; Axis < Arg.Rank; ++Axis) {
    Leaf.Extents.push_back(At(Axes + Axis));
    Leaf.Strides.push_back(At(Axes + Arg.Rank + Axis));
  }
  return Leaf;
}

unsigned parametersOf(const ArgInfo &Arg) {
  return Arg.isArray() ? Axes + 2 * Arg.Rank : 1;
}

} // namespace

std::optional<Signature> numbaSignature(Function &F, const Request &Req,
                                        DiagnosticSink &Sink) {
  Signature Sig;
  for (const ArgInfo &Arg : Req.Args)
    if (Arg.FirstParam < FirstPassed ||
        Arg.FirstParam + parametersOf(Arg) > F.arg_size()) {
      Sink.internal("the kernel has no parameters for `" + Arg.Name + "`");
      return std::nullopt;
    }
  Sig.Result = F.getArg(Result);
  Sig.Failure = F.getArg(Failure);
  for (const ArgInfo &Arg : Req.Args)
    Sig.Leaves.push_back(leafOf(Arg, F));
  for (unsigned I = FirstPassed; I < F.arg_size(); ++I)
    Sig.Passed.push_back(F.getArg(I));
  return Sig;
}

} // namespace pyfront
