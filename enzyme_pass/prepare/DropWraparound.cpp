//===- DropWraparound.cpp - Indexes that are known not to be negative ------===//
///
/// \file
/// Numba gives every signed index Python's meaning:
///
///   %negative = icmp slt i64 %i, 0
///   %shift = select i1 %negative, i64 %n, i64 0
///   %index = add i64 %i, %shift
///
/// With the select the address is no affine function of the loop counters: the
/// loop does not vectorize, and no subscript can be compared. Where `%i` cannot
/// be negative the test becomes false.
///
/// The extents of array arguments are not negative and an array fits into the
/// address space; said as a `range` of the parameters, LLVM's own passes prove
/// most of it.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/Request.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/IR/ConstantRange.h"

using namespace llvm;

namespace pyfront {

namespace {

unsigned itemSize(ScalarType T) {
  switch (T) {
  case ScalarType::F64:
  case ScalarType::I64:
  case ScalarType::U64:
    return 8;
  case ScalarType::F32:
  case ScalarType::I32:
  case ScalarType::U32:
    return 4;
  case ScalarType::I16:
  case ScalarType::U16:
    return 2;
  default:
    return 1;
  }
}

} // namespace

void attachExtentRanges(Function &F, const Request &Req) {
  for (const ArgInfo &Arg : Req.Args) {
    if (!Arg.isArray())
      continue;
    // An array has less than 2^63 bytes.
    APInt End = APInt::getOneBitSet(64, 63).udiv(itemSize(Arg.Type));
    for (unsigned Dim = 0; Dim < Arg.Rank; ++Dim)
      F.addParamAttr(Arg.extentParam(Dim),
                     Attribute::get(F.getContext(), Attribute::Range,
                                    ConstantRange(APInt::getZero(64), End)));
  }
}

} // namespace pyfront
