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

ArgumentLeaf leafOf(const ArgInfo &Arg, Function &F) {
  auto At = [&](unsigned Offset) { return F.getArg(Arg.FirstParam + Offset); };
  ArgumentLeaf Leaf;
  if (!Arg.isArray()) {
    Leaf.Data = At(0);
    return Leaf;
  }
  Leaf.Items = At(numba::Items);
  Leaf.ItemSize = At(numba::ItemSize);
  Leaf.Data = At(numba::Data);
  for (unsigned Axis = 0; Axis < Arg.Rank; ++Axis) {
    Leaf.Extents.push_back(At(numba::Axes + Axis));
    Leaf.Strides.push_back(At(numba::Axes + Arg.Rank + Axis));
  }
  return Leaf;
}

unsigned parametersOf(const ArgInfo &Arg) {
  return Arg.isArray() ? numba::Axes + 2 * Arg.Rank : 1;
}

} // namespace

std::optional<Signature> numbaSignature(Function &F, const Request &Req,
                                        DiagnosticSink &Sink) {
  Signature Sig;
  for (const ArgInfo &Arg : Req.Args)
    if (Arg.FirstParam < numba::FirstPassed ||
        Arg.FirstParam + parametersOf(Arg) > F.arg_size()) {
      Sink.internal("the kernel has no parameters for `" + Arg.Name + "`");
      return std::nullopt;
    }
  Sig.Result = F.getArg(numba::Result);
  Sig.Failure = F.getArg(numba::Failure);
  for (const ArgInfo &Arg : Req.Args)
    Sig.Leaves.push_back(leafOf(Arg, F));
  for (unsigned I = numba::FirstPassed; I < F.arg_size(); ++I)
    Sig.Passed.push_back(F.getArg(I));
  return Sig;
}

} // namespace pyfront
