"""Prepared calls: all that can be done before the first call is done, and every call uses the same memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyfront.errors import ArityError, DtypeError, StructureError, with_help
from pyfront.operators import program as programs
from pyfront.operators.calls import Calls, assemble
from pyfront.operators.tree import Tree, flatten, row


class Prepared:
    """An operator for arguments of one structure, with their types and shapes.

    A call allocates nothing but the Python objects of its result: arrays in the result are the same ones each time,
    so a caller that wants to keep one copies it.
    """

    def __init__(self, calls: Calls, leaves: Sequence[Any], trees: tuple[Tree, ...]) -> None:
        given = calls.types_of(leaves)
        program = calls.program(given)
        self.name = calls.name
        self._program = program
        self._trees = trees
        self._count = len(leaves)
        self._is_row = trees == row(len(trees))
        self._buffers = calls.buffers(leaves)
        self._arrays = self._buffers[: len(program.result_buffers)]
        self._table = programs.table(program, leaves, self._buffers)
        self._address = self._table.ctypes.data
        self._run = calls.run(given)
        self._run(self._address, *leaves)
        self._run.disable_compile()
        self._result = None if program.scalars else assemble(program, self._arrays, ())

    @property
    def template(self) -> Tree:
        """The structure of the result."""
        return self._program.template

    def __call__(self, *args: Any) -> Any:
        """The result for arguments of the prepared types and shapes."""
        leaves = args if self._is_row else self._leaves(args)
        try:
            scalars = self._run(self._address, *leaves)
        except TypeError as error:
            if len(leaves) != self._count:
                raise ArityError(f"`{self.name}` takes {self._count} arguments, got {len(leaves)}") from error
            raise DtypeError(
                with_help(f"`{self.name}` was prepared for arguments of other types", "prepare it for these as well")
            ) from error
        return assemble(self._program, self._arrays, scalars) if self._result is None else self._result

    def _leaves(self, args: Sequence[Any]) -> list[Any]:
        leaves: list[Any] = []
        if tuple(flatten(value, leaves) for value in args) != self._trees:
            raise StructureError(
                with_help(
                    f"`{self.name}` was prepared for arguments of another structure", "prepare it for these as well"
                )
            )
        return leaves

    def __repr__(self) -> str:
        return f"<{self.name}, prepared>"
