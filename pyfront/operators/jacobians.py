"""Jacobians: the programs that take one sweep per direction, or per batch of directions.

The inputs that are differentiated by are seen as one long vector, the outputs as another. Forward mode sweeps over the
columns, the directions of the inputs; reverse mode over the rows, those of the outputs. A sweep takes a batch of
`Lanes.width` neighbouring directions at once, on shadows whose last axis is the lane. What it leaves in the shadows of
the other side goes to the blocks, one for each output and each input, of shape output + input.

Every sweep starts from fresh copies of what the kernel writes.

Names in these programs: as in ``sweeps``, blocks ``b<j>_<leaf>``, and ``first``, the direction in lane 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyfront.annotations import Active, Annotation, Const, interleaved
from pyfront.derivative import autodiff
from pyfront.modes import Mode
from pyfront.operators import text
from pyfront.operators.argnums import Selection
from pyfront.operators.form import Call, Form
from pyfront.operators.passing import Sweep, passing
from pyfront.operators.program import Buffer, Program, Result, array
from pyfront.operators.sweeps import (
    adjoint,
    argument,
    argument_parameters,
    is_array,
    output_buffers,
    scalars_in_order,
    with_derivative,
)
from pyfront.operators.tree import Leaf, relabel
from pyfront.operators.views import view


@dataclass(frozen=True)
class Lanes:
    """How many directions a sweep takes; ``exact`` if these are all there are, and all in one array."""

    width: int
    exact: bool = False


@dataclass(frozen=True)
class _Side:
    """One side of the Jacobian, in order: names of shadows with a lane axis, and numbers of elements."""

    shadows: tuple[Buffer, ...]
    sizes: tuple[str, ...]

    def offset(self, index: int) -> str:
        """The first direction of an array of this side."""
        return " + ".join(self.sizes[:index]) or "0"


def forward(name: str, form: Form, call: Call, selection: Selection, lanes: Lanes) -> Program:
    """The Jacobian by columns. The arrays in ``call`` are in C order."""
    jacobian = _Jacobian(form.writing(), call, selection, lanes, Mode.Forward)
    inputs, outputs = jacobian.inputs, jacobian.outputs
    sweep = jacobian.restore()
    if jacobian.is_exact:
        for index, shadow in enumerate(outputs.shadows):
            shape = f"o{index}.shape + ({lanes.width},)"
            sweep.append(f"{shadow.name} = view({jacobian.block(index, 0).name}, {shape})")
    sweep += jacobian.zero(outputs)
    for index, shadow in enumerate(inputs.shadows):
        sweep += [*text.fill(shadow.name, shadow.type), *jacobian.seed(inputs, index)]
    sweep.append(f"derivative({', '.join(jacobian.arguments(outputs.shadows, inputs.shadows))})")
    work = [*output_buffers(jacobian.form), *inputs.shadows]
    if jacobian.is_exact:
        body = ["first = 0", *sweep]
    else:
        work += outputs.shadows
        for index, shadow in enumerate(outputs.shadows):
            moved = f"moved = view({shadow.name}, ({outputs.sizes[index]}, {lanes.width}))"
            for place in range(len(inputs.shadows)):
                # Lanes inside: the directions of a sweep are neighbours in a row of the block.
                store = jacobian.each_lane(inputs, place, ["block[row, element] = moved[row, lane]"])
                sweep += [moved, jacobian.block_view(index, place), *text.loop("row", outputs.sizes[index], store)]
        body = [f"for first in range(0, {' + '.join(inputs.sizes)}, {lanes.width}):", *text.indent(sweep)]
    return jacobian.program(name, work, body)


def reverse(name: str, form: Form, call: Call, selection: Selection, lanes: Lanes) -> Program:
    """The Jacobian by rows. The arrays in ``call`` are in C order."""
    jacobian = _Jacobian(form.writing(), call, selection, lanes, Mode.Reverse)
    inputs, outputs = jacobian.inputs, jacobian.outputs
    arrays = [shadow for shadow, leaf in zip(inputs.shadows, selection.leaves, strict=True) if is_array(call, leaf)]
    scalars = scalars_in_order(call, jacobian.form, selection.leaves)
    sweep = jacobian.restore()
    for index, shadow in enumerate(outputs.shadows):
        sweep += [*text.fill(shadow.name, shadow.type), *jacobian.seed(outputs, index)]
    for shadow in arrays:
        sweep += text.fill(shadow.name, shadow.type)
    sweep.append(f"adjoints = derivative({', '.join(jacobian.arguments(outputs.shadows, arrays))})")
    for index in range(len(outputs.shadows)):
        for place, (leaf, shadow) in enumerate(zip(selection.leaves, inputs.shadows, strict=True)):
            sweep.append(jacobian.block_view(index, place))
            if leaf in scalars:
                store = [f"block[element, 0] = {adjoint(scalars, leaf)}[lane]"]
            else:
                sweep.append(f"moved = view({shadow.name}, ({inputs.sizes[place]}, {lanes.width}))")
                store = text.loop("column", inputs.sizes[place], ["block[element, column] = moved[column, lane]"])
            sweep += jacobian.each_lane(outputs, index, store)
    body = [f"for first in range(0, {' + '.join(outputs.sizes)}, {lanes.width}):", *text.indent(sweep)]
    work = [*output_buffers(jacobian.form), *outputs.shadows, *arrays]
    return jacobian.program(name, work, body)


class _Jacobian:
    """The pieces of which both programs are made."""

    def __init__(self, form: Form, call: Call, selection: Selection, lanes: Lanes, mode: Mode) -> None:
        self.form = form
        self._call = call
        self._selection = selection
        self._lanes = lanes
        annotations = self._annotations(interleaved(lanes.width) if mode is Mode.Forward else Active)
        derivative = autodiff(form.kernel, *annotations, mode=mode)
        self._sweep = Sweep(derivative, tuple(annotations), form, call)
        self._passing = passing(self._sweep)
        self.outputs = _Side(
            tuple(
                _with_lanes(f"s{index}", output.type.dtype, output.type.ndim, output.shape, lanes)
                for index, output in enumerate(form.outputs)
            ),
            tuple(f"o{index}.size" for index in range(len(form.outputs))),
        )
        self.inputs = _Side(
            tuple(self._input_shadow(leaf) for leaf in selection.leaves),
            tuple(f"a{leaf}.size" if is_array(call, leaf) else "1" for leaf in selection.leaves),
        )

    @property
    def is_exact(self) -> bool:
        """Whether the shadow of an output can be the block itself."""
        return self._lanes.exact and len(self.inputs.shadows) == 1

    def block(self, output: int, place: int) -> Buffer:
        """The derivative of an output by the input at ``place`` of the selection."""
        leaf, its = self._selection.leaves[place], self.form.outputs[output]
        shapes: list[str] = [] if its.is_cell else [its.shape]
        ndim = 0 if its.is_cell else its.type.ndim
        if is_array(self._call, leaf):
            shapes.append(f"a{leaf}.shape")
            ndim += self._call.types[leaf].ndim
        return Buffer(f"b{output}_{leaf}", array(its.type.dtype, max(ndim, 1)), " + ".join(shapes) or "(1,)")

    def block_view(self, output: int, place: int) -> str:
        """The statement that makes ``block`` a matrix: elements of the output by elements of the input."""
        shape = text.tuple_of([self.outputs.sizes[output], self.inputs.sizes[place]])
        return f"block = view({self.block(output, place).name}, {shape})"

    def restore(self) -> list[str]:
        """Copy the arguments, and what outputs hold at first."""
        lines = self._passing.restoring(self._call)
        for index, output in enumerate(self.form.outputs):
            if output.initial is not None:
                lines += text.copy(f"o{index}", output.type, f"a{output.initial}")
        return lines

    def zero(self, side: _Side) -> list[str]:
        return [line for shadow in side.shadows for line in text.fill(shadow.name, shadow.type)]

    def seed(self, side: _Side, index: int) -> list[str]:
        """Give each lane its direction, as far as it lies in this array."""
        matrix = f"lanes = view({side.shadows[index].name}, ({side.sizes[index]}, {self._lanes.width}))"
        return [matrix, *self.each_lane(side, index, ["lanes[element, lane] = 1.0"])]

    def each_lane(self, side: _Side, index: int, body: Sequence[str]) -> list[str]:
        """A loop over the lanes whose direction lies in an array of ``side``, and which ``element`` it is there."""
        start = f"max(first - ({side.offset(index)}), 0)"
        stop = f"min(first + {self._lanes.width} - ({side.offset(index)}), {side.sizes[index]})"
        lane = f"lane = element + ({side.offset(index)}) - first"
        return [f"for element in range({start}, {stop}):", *text.indent([lane, *body])]

    def arguments(self, outputs: Sequence[Buffer], inputs: Sequence[Buffer]) -> list[str]:
        """The arguments of the derivative, each of these shadows after its primal."""
        shadows = {shadow.name for shadow in inputs}
        result = [f"o{index}, {shadow.name}" for index, shadow in enumerate(outputs)]
        for leaf in self.form.inputs:
            result.append(argument(self._call, leaf))
            if f"d{leaf}" in shadows:
                result.append(f"d{leaf}")
        return result

    def _annotations(self, scalar: type[Annotation]) -> list[type[Annotation]]:
        """One annotation per parameter of the kernel; ``scalar`` is that of a number differentiated by."""
        batch = interleaved(self._lanes.width)
        result: list[type[Annotation]] = [batch] * len(self.form.outputs)
        for leaf in self.form.inputs:
            active = batch if is_array(self._call, leaf) else scalar
            result.append(active if leaf in self._selection.leaves else Const)
        return result

    def program(self, name: str, work: Sequence[Buffer], body: Sequence[str]) -> Program:
        form, call, how, count = self.form, self._call, self._passing, len(self._selection.leaves)
        results: list[Result] = []
        scratch: list[Buffer] = []
        for index, output in enumerate(form.outputs):
            for place, leaf in enumerate(self._selection.leaves):
                block = self.block(index, place)
                if output.is_cell and not is_array(call, leaf):
                    scratch.append(block)
                    results.append(Result(block.type.dtype, expression=f"{block.name}[0]"))
                else:
                    results.append(Result(block.type, block))
        template = relabel(
            form.template,
            lambda output: relabel(self._selection.template, lambda place: Leaf(output * count + place)),
        )
        program = Program(
            name=name,
            parameters=argument_parameters(call),
            prelude=form.prelude,
            measured=form.measured,
            fits=(),
            copies=tuple(how.copies(call, how.once)),
            work=(*how.buffers(call, how.each_time), *work, *scratch),
            body=(*how.aliases(), *body),
            results=tuple(results),
            template=template,
            namespace={**form.namespace, "view": view},
            reread=self._reread(),
        )
        return with_derivative(program, self._sweep)

    def _reread(self) -> tuple[str, ...]:
        """The arguments that each sweep reads anew."""
        initial = [output.initial for output in self.form.outputs if output.initial is not None]
        return tuple(f"a{leaf}" for leaf in (*initial, *self._passing.each_time, *self._passing.never))

    def _input_shadow(self, leaf: int) -> Buffer:
        type_ = self._call.types[leaf]
        if is_array(self._call, leaf):
            return _with_lanes(f"d{leaf}", type_.dtype, type_.ndim, f"a{leaf}.shape", self._lanes)
        return Buffer(f"d{leaf}", array(type_, 1), f"({self._lanes.width},)")


def _with_lanes(name: str, dtype: object, ndim: int, shape: str, lanes: Lanes) -> Buffer:
    return Buffer(name, array(dtype, ndim + 1), f"{shape} + ({lanes.width},)")
