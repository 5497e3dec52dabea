/*===- Contract.h - Words and numbers that both sides know ----------------===*\
|*
|* What Python and the engine must agree on, written down once. Plain C: the
|* engine includes it, Python reads its text (pyfront_declarations, CApi.h).
|*
\*===----------------------------------------------------------------------===*/

#ifndef PYFRONT_CONTRACT_H
#define PYFRONT_CONTRACT_H

/* The status of a derivative that has no memory for its tape (seam 2). */
#define PYFRONT_OUT_OF_MEMORY 20550

/* The status of a derivative in which a part of a rule has raised while the
 * reverse sweep ran, where nobody can be told what. 20551 and 20552 are the
 * C function's own (pyfront/cabi.py). */
#define PYFRONT_RULE_FAILED 20553

/* The most tangents or adjoints that one derivative computes at once. */
#define PYFRONT_MAX_WIDTH 64

/* The symbols of a split derivative are its name with these behind it. */
#define PYFRONT_FORWARD_HALF ".forward"
#define PYFRONT_REVERSE_HALF ".reverse"

/* In code that is differentiated again: memory of the call, given its size and
 * its alignment. */
#define PYFRONT_ALLOCATE "pyfront.allocate"

#endif /* PYFRONT_CONTRACT_H */
