"""Ways out: early returns, break and continue, loops with an else, while loops that count."""

from __future__ import annotations

from properties.drawing import Drawing, Feature, Index


def leave(d: Drawing) -> None:
    """Break, continue or return, on a condition."""
    way = d.pick((["break", "continue"] if d.loops else []) + ["return"])
    with d.block(f"if {d.condition()}:"):
        if d.one_in(2):
            d.emit(d.update(d.element(writable=True)))
        d.emit(d.returns() if way == "return" else way)


def while_loop(d: Drawing) -> None:
    if not d.roomy:
        return leave(d)
    counter, most = d.name("k"), d.between(1, 4)
    d.emit(f"{counter} = 0")
    head = d.pick([f"while {counter} < {most}:", f"while {counter} < {most} and ({d.condition()}):", "while True:"])
    with d.block(head, most):
        d.emit(f"{counter} += 1")
        if head == "while True:":
            with d.block(f"if {counter} > {most} or {d.condition()}:"):
                d.emit("break")
        d.scope.indices.append(Index(counter, 1, most + (head == "while True:")))
        d.body(1, 3)
    return None


def loop_with_else(d: Drawing) -> None:
    if not d.roomy:
        return leave(d)
    with d.loop_over("range(3)", 0, 2):
        with d.block(f"if {d.condition()}:"):
            d.emit(d.update(d.element(writable=True)))
            d.emit("break")
        d.body(1, 2)
    with d.block("else:"):
        d.body(1, 1)
    return None


FEATURE = Feature("exits", statements=(leave, leave, while_loop, while_loop, loop_with_else))
