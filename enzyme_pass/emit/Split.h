//===- Split.h - The derivative in two halves -----------------------------===//
///
/// \file
/// Cuts a derivative where its reverse sweep begins:
///
///   i32 @name.forward(excinfo, primal's parameters .., [value,] tape)
///     opens a tape (TapeMemory.h), runs the forward sweep, stores what the
///     reverse sweep reads of it in the tape's frame, and the tape's address
///   i32 @name.reverse(tape, shadows and adjoints .., [seed])
///     zeroes the tape's shadows, reads the frame, runs the reverse sweep
///
///   frame:  what crosses the cut (plan/PlanFrame.cpp)
///
/// The reverse half may run any number of times, on any thread, after the
/// caller has changed or freed the primal arrays, and gives the same bits each
/// time for the same shadows. Why:
///
///  S1  It reads no memory of the primal's arguments: the plan holds whatever
///      they contain as overwritten (OverwriteFacts.h).
///  S2  It writes nothing that it reads of the tape: the tape is written by the
///      forward sweep only, and local arrays are primal memory, which a reverse
///      sweep does not write.
///  S3  Shadows that it owns (local arrays, workspace, stack) lie apart and are
///      zeroed when it begins. Those of tables of pointers hold the shadows of
///      these; the forward sweep writes them, and no reverse sweep does.
///  S4  Shadows of arguments are places in what the forward half leaves
///      (Places.h), addresses only in the call that was given them.
///  S5  It allocates nothing, so it cannot fail halfway.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_SPLIT_H
#define PYFRONT_EMIT_SPLIT_H

#include "enzyme_pass/emit/Derivative.h"

namespace pyfront {

/// Replaces `D.G` by its halves.
void splitDerivative(Derivative &D);

} // namespace pyfront

#endif
