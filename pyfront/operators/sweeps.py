"""Sweeps: the programs of operators that take one sweep over a kernel: gradient, pushforward, pullback, evaluation.

Names in these programs: parameters ``a<leaf>`` and ``t<i>`` (tangents or cotangents), copies ``c<leaf>``, shadows of
inputs ``d<leaf>``, outputs ``o<j>`` with shadows ``s<j>``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from numba.core import types

from pyfront.annotations import Active, Annotation, Const, Duplicated
from pyfront.derivative import autodiff
from pyfront.modes import Mode
from pyfront.operators import text
from pyfront.operators.argnums import Selection, is_float
from pyfront.operators.form import Call, Form, Output, copied, is_copied
from pyfront.operators.passing import Passing, Sweep, passing
from pyfront.operators.program import Buffer, Copy, Fit, Program, Result
from pyfront.operators.tree import EMPTY, Leaf, Tree, pack, relabel


def gradient(name: str, form: Form, call: Call, selection: Selection, *, with_value: bool) -> Program:
    """One reverse sweep over a kernel that returns a float."""
    assert form.value is not None
    buffers = {leaf: shadow_of(call, leaf) for leaf in selection.leaves if is_array(call, leaf)}
    arguments = [
        f"{argument(call, leaf)}, d{leaf}" if leaf in buffers else argument(call, leaf) for leaf in form.inputs
    ]
    mode = Mode.ReverseWithPrimal if with_value else Mode.Reverse
    body = [line for buffer in buffers.values() for line in text.fill(buffer.name, buffer.type)]
    body.append(f"{'value, adjoints' if with_value else 'adjoints'} = derivative({', '.join(arguments)})")
    results = adjoint_results(call, form, selection.leaves, buffers)
    template = selection.template
    if with_value:
        results = [*results, Result(form.value, expression="value")]
        template = pack([Leaf(len(results) - 1), template])
    return program(name, _sweep(form, call, selection.leaves, Active, mode), body, results, template)


def pushforward(
    name: str,
    form: Form,
    call: Call,
    tangents: Mapping[int, str],
    *,
    parameters: Sequence[str] | None = None,
    labels: Sequence[str] = (),
    with_value: bool,
) -> Program:
    """One forward sweep in the direction of ``tangents``: by leaf a parameter, or a number for a scalar."""
    copies: list[Copy] = []
    fits: list[Fit] = []
    arguments = output_arguments(form)
    for leaf in form.inputs:
        arguments.append(argument(call, leaf))
        if leaf not in tangents:
            continue
        if is_array(call, leaf):
            copies.append(Copy(shadow_of(call, leaf), tangents[leaf]))
            owner = f"argument `{labels[leaf]}`" if labels else "its argument"
            fits.append(Fit(tangents[leaf], f"a{leaf}", "a tangent", owner))
            arguments.append(f"d{leaf}")
        else:
            arguments.append(tangents[leaf])
    mode = Mode.ForwardWithPrimal if with_value else Mode.Forward
    call_text = f"derivative({', '.join(arguments)})"
    values: list[Result]
    buffers: list[Buffer] = []
    if form.value is not None:
        body = [f"{'value, tangent' if with_value else 'tangent'} = {call_text}"]
        values, moved = [Result(form.value, expression="value")], [Result(form.value, expression="tangent")]
    else:
        outputs, shadows = output_buffers(form), shadow_buffers(form)
        buffers = [*outputs, *shadows]
        body = [*(line for shadow in shadows for line in text.fill(shadow.name, shadow.type)), call_text]
        values = [_whole(output, buffer) for output, buffer in zip(form.outputs, outputs, strict=True)]
        moved = [_whole(output, shadow) for output, shadow in zip(form.outputs, shadows, strict=True)]
    template = form.template
    if with_value:
        count = len(values)
        template = pack([template, relabel(template, lambda index: Leaf(index + count))])
    results = [*values, *moved] if with_value else moved
    return program(
        name,
        _sweep(form, call, tangents, Duplicated, mode),
        body,
        results,
        template,
        parameters=parameters,
        fits=fits,
        copies=copies,
        buffers=buffers,
    )


def pullback(name: str, form: Form, call: Call, cotangents: Sequence[str]) -> Program:
    """One reverse sweep, seeded with one cotangent per output, to one cotangent per float argument."""
    leaves = [leaf for leaf in form.inputs if is_float(call.types[leaf])]
    buffers = {leaf: shadow_of(call, leaf) for leaf in leaves if is_array(call, leaf)}
    arguments = output_arguments(form)
    for leaf in form.inputs:
        arguments += [argument(call, leaf), f"d{leaf}"] if leaf in buffers else [argument(call, leaf)]
    body = [line for buffer in buffers.values() for line in text.fill(buffer.name, buffer.type)]
    fits: list[Fit] = []
    copies: list[Copy] = []
    outputs, shadows = output_buffers(form), shadow_buffers(form)
    for output, shadow, cotangent in zip(form.outputs, shadows, cotangents, strict=False):
        if output.is_cell:
            body.append(f"{shadow.name}[0] = {cotangent}")
            continue
        copies.append(Copy(shadow, cotangent))
        fits.append(Fit(cotangent, shadow.name, "a cotangent", "its result"))
    if form.value is not None:
        arguments.append(f"seed={cotangents[0]}")
    body.append(f"adjoints = derivative({', '.join(arguments)})")
    places = {leaf: Leaf(index) for index, leaf in enumerate(leaves)}
    template = pack([relabel(tree, lambda leaf: places.get(leaf, EMPTY)) for tree in call.trees])
    return program(
        name,
        _sweep(form, call, leaves, Active, Mode.Reverse),
        body,
        adjoint_results(call, form, leaves, buffers),
        template,
        parameters=(*argument_parameters(call), *cotangents),
        fits=fits,
        copies=copies,
        buffers=[*outputs, *(shadow for shadow, output in zip(shadows, form.outputs, strict=True) if output.is_cell)],
    )


def evaluation(name: str, form: Form, call: Call) -> Program:
    """The function itself."""
    arguments = [*(f"o{index}" for index in range(len(form.outputs)))]
    arguments += [argument(call, leaf) for leaf in form.inputs]
    call_text = f"kernel({', '.join(arguments)})"
    buffers = output_buffers(form)
    if form.value is not None:
        results = [Result(form.value, expression="value")]
        call_text = f"value = {call_text}"
    else:
        results = [_whole(output, buffer) for output, buffer in zip(form.outputs, buffers, strict=True)]
    how = Passing.of_copies(form, call)
    plain = _of_one_sweep(name, form, call, how, [call_text], results, form.template, buffers=buffers)
    return replace(plain, namespace={**plain.namespace, "kernel": form.kernel})


def program(
    name: str, sweep: Sweep, body: Sequence[str], results: Sequence[Result], template: Tree, **more: Any
) -> Program:
    """The program of one sweep; ``more`` is for `_of_one_sweep`."""
    plain = _of_one_sweep(name, sweep.form, sweep.call, passing(sweep), body, results, template, **more)
    return with_derivative(plain, sweep)


def with_derivative(program: Program, sweep: Sweep) -> Program:
    """``program``, whose body calls the derivative of ``sweep``."""
    namespace = {**program.namespace, "derivative": sweep.derivative}
    return replace(program, namespace=namespace, derivative=sweep.derivative, call_types=sweep.given)


def _sweep(form: Form, call: Call, active: Collection[int], scalar: type[Annotation], mode: Mode) -> Sweep:
    annotations = annotate(form, call, active, scalar)
    return Sweep(autodiff(form.kernel, *annotations, mode=mode), tuple(annotations), form, call)


def _of_one_sweep(
    name: str,
    form: Form,
    call: Call,
    how: Passing,
    body: Sequence[str],
    results: Sequence[Result],
    template: Tree,
    *,
    parameters: Sequence[str] | None = None,
    fits: Sequence[Fit] = (),
    copies: Sequence[Copy] = (),
    buffers: Sequence[Buffer] = (),
) -> Program:
    """A program of one sweep over copies of its arguments; those ``buffers`` that are no results are workspace."""
    taken = {result.buffer for result in results}
    initial: list[str] = []
    for output, buffer in zip(form.outputs, output_buffers(form), strict=True):
        if output.initial is not None:
            initial += text.copy(buffer.name, buffer.type, f"a{output.initial}")
    return Program(
        name=name,
        parameters=tuple(parameters if parameters is not None else argument_parameters(call)),
        prelude=form.prelude,
        measured=form.measured,
        fits=tuple(fits),
        copies=(*how.copies(call, (*how.each_time, *how.once)), *copies),
        work=tuple(buffer for buffer in buffers if buffer not in taken),
        body=(*how.aliases(), *initial, *body),
        results=tuple(results),
        template=template,
        namespace=form.namespace,
    )


def annotate(form: Form, call: Call, active: Collection[int], scalar: type[Annotation]) -> list[type[Annotation]]:
    """One annotation per parameter of the kernel; ``scalar`` is that of a scalar that is active."""
    result: list[type[Annotation]] = [Duplicated] * len(form.outputs)
    for leaf in form.inputs:
        result.append((Duplicated if is_array(call, leaf) else scalar) if leaf in active else Const)
    return result


def adjoint_results(call: Call, form: Form, leaves: Sequence[int], buffers: Mapping[int, Buffer]) -> list[Result]:
    """What a reverse sweep leaves for each active leaf: a shadow, or one of ``adjoints``."""
    scalars = scalars_in_order(call, form, leaves)
    results: list[Result] = []
    for leaf in leaves:
        if leaf in buffers:
            results.append(Result(buffers[leaf].type, buffers[leaf]))
        else:
            results.append(Result(call.types[leaf], expression=adjoint(scalars, leaf)))
    return results


def scalars_in_order(call: Call, form: Form, leaves: Collection[int]) -> list[int]:
    """The numbers among ``leaves`` in the order in which a derivative returns their adjoints, that of its arguments."""
    return [leaf for leaf in form.inputs if leaf in leaves and not is_array(call, leaf)]


def adjoint(scalars: Sequence[int], leaf: int) -> str:
    """The adjoint of a number in ``adjoints``, which is bare if there is only one."""
    return f"adjoints[{scalars.index(leaf)}]" if len(scalars) > 1 else "adjoints"


def output_arguments(form: Form) -> list[str]:
    """The outputs and their shadows as arguments of a derivative."""
    return [f"o{index}, s{index}" for index in range(len(form.outputs))]


def output_buffers(form: Form) -> list[Buffer]:
    """Where the kernel leaves its outputs."""
    return [Buffer(f"o{index}", output.type, output.shape) for index, output in enumerate(form.outputs)]


def shadow_buffers(form: Form) -> list[Buffer]:
    """Their tangents or adjoints."""
    return [Buffer(f"s{index}", output.type, output.shape) for index, output in enumerate(form.outputs)]


def argument_parameters(call: Call) -> tuple[str, ...]:
    return tuple(f"a{leaf}" for leaf in range(len(call.types)))


def argument(call: Call, leaf: int) -> str:
    """What the kernel gets for a leaf: its copy, or itself if nobody can write to it."""
    return f"c{leaf}" if is_copied(call.types[leaf]) else f"a{leaf}"


def is_array(call: Call, leaf: int) -> bool:
    return isinstance(call.types[leaf], types.Array)


def shadow_of(call: Call, leaf: int) -> Buffer:
    """The shadow of an array."""
    return Buffer(f"d{leaf}", copied(call.types[leaf]), f"a{leaf}.shape")


def _whole(output: Output, buffer: Buffer) -> Result:
    return Result(output.type.dtype, expression=f"{buffer.name}[0]") if output.is_cell else Result(output.type, buffer)
