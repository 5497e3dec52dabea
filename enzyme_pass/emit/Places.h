//===- Places.h - Shadow pointers before there are shadows ----------------===//
///
/// \file
/// In the forward half of a split derivative the shadow of argument k is not
/// known. The number (k + 1) * 2^54 stands for its base, and pointer arithmetic
/// goes on from there, so that phis, selects and the tape treat the result as
/// they treat every pointer:
///
///   place      = (k + 1) * 2^54 + offset          -2^53 <= offset < 2^53
///   its address in a reverse half = shadow of k + offset
///
/// Sound, because nothing on the way depends on the base being an address: the
/// forward half goes through the shadows of tables of pointers only, which are
/// its own, what it computes on a place are additions (without `inbounds`), and
/// an offset from the base of an
/// object that exists is smaller than the address space (2^52 where it is
/// largest), so that k and the offset can be told apart again. Numbers below
/// 2^53 are addresses: shadows of local arrays, which lie in the tape.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_PLACES_H
#define PYFRONT_EMIT_PLACES_H

#include "enzyme_pass/emit/Derivative.h"

namespace pyfront {

/// The place of the first byte of the shadow of argument `Arg`.
llvm::Constant *placeOf(const Derivative &D, unsigned Arg);

/// The address of `Place` in the shadows that this call was given.
llvm::Value *addressOf(const Derivative &D, llvm::IRBuilder<> &B,
                       llvm::Value *Place, const PlacePlan &Known);

} // namespace pyfront

#endif
