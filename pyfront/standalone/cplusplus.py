"""The C++ header: the same functions with containers in, results out and statuses as exceptions (C++17).

    A Duplicated array    name::array<double, 1>: a vector, a span, or anything with data() and size(); of more axes
                          or with strides name::array<double, 2>(data, {rows, columns})
    its shadow            the same, checked to have the shape of the array
    Active x              x in, `x_adjoint` in the result
    the result            `value` in the result; seeds come last and are 1 if left out

Everything that a call allocates ends with it or with what it returns.
"""

from __future__ import annotations

from collections.abc import Sequence

from numba.core import types

from pyfront.arguments import Leaf
from pyfront.cabi import Parameter, Role
from pyfront.scalars import SCALARS
from pyfront.standalone.functions import Function
from pyfront.standalone.headers import is_written

_HELPERS = frozenset(("array", "check", "error", "in_c_order", "same_layout"))
_RETURNED = (Role.ADJOINT, Role.RESULT_TANGENT, Role.RESULT)


def text(name: str, functions: Sequence[Function]) -> str:
    """The file ``name.hpp``."""
    bodies = "\n".join(_function(function, f"::{name}_cpp::") for function in functions)
    return f"""\
// {name}.hpp - the functions of {name}.h, which says what they do, for C++17.
#pragma once

#include "{name}.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace {name}_cpp {{

/// A status that is not 0.
class error : public std::runtime_error {{
public:
  explicit error(std::int32_t status) : std::runtime_error({name}_error(status)), status_(status) {{}}
  std::int32_t status() const noexcept {{ return status_; }}

private:
  std::int32_t status_;
}};

inline void check(std::int32_t status) {{
  if (status != 0)
    throw error(status);
}}

/// Memory of somebody else's with a shape, and strides in bytes: those of C order if none are given.
template <class T, std::size_t Rank> struct array {{
  T *data;
  std::array<std::int64_t, Rank> shape;
  std::array<std::int64_t, Rank> strides;

  array(T *memory, std::array<std::int64_t, Rank> extents) : data(memory), shape(extents), strides() {{
    std::int64_t step = sizeof(T);
    for (std::size_t axis = Rank; axis-- > 0; step *= shape[axis])
      strides[axis] = step;
  }}
  array(T *memory, std::array<std::int64_t, Rank> extents, std::array<std::int64_t, Rank> steps)
      : data(memory), shape(extents), strides(steps) {{}}

  /// A vector, a std::array, a span.
  template <class Container, class = decltype(std::declval<Container &>().data()),
            class = decltype(std::declval<Container &>().size())>
  array(Container &&container)
      : array(container.data(), std::array<std::int64_t, Rank>{{{{static_cast<std::int64_t>(container.size())}}}}) {{
    static_assert(Rank == 1, "give an array of several axes with its shape");
  }}
}};

template <class T, class S, std::size_t Rank>
void same_layout(const array<T, Rank> &one, const array<S, Rank> &shadow, const char *what) {{
  if (one.shape != shadow.shape || one.strides != shadow.strides)
    throw std::invalid_argument(what);
}}

template <class T, std::size_t Rank> void in_c_order(const array<T, Rank> &one, const char *what) {{
  std::int64_t step = sizeof(T), items = 1;
  for (std::size_t axis = 0; axis != Rank; ++axis)
    items *= one.shape[axis];
  for (std::size_t axis = Rank; axis-- > 0; step *= one.shape[axis])
    if (items > 0 && one.shape[axis] > 1 && one.strides[axis] != step)
      throw std::invalid_argument(what);
}}

{bodies}
}} // namespace {name}_cpp
"""


def _function(function: Function, helpers: str) -> str:
    parameters = function.parameters
    called = f"{function.name}_" if function.name in _HELPERS else function.name
    width = function.code.width if function.code.is_batch else 0
    returned = [parameter for parameter in parameters if parameter.role in _RETURNED]
    struct = f"{function.name}_result"
    fields = "".join(f"  {_held(parameter, width)} {parameter.name}{{}};\n" for parameter in returned)
    taken = [*filter(None, (_taken(parameter, function, width, helpers) for parameter in parameters))]
    taken += [_seed(parameter, width) for parameter in parameters if parameter.role is Role.SEED]
    checks = "".join(_check(parameter, parameters, width, helpers) for parameter in parameters)
    result = _free("result", parameters)
    passed = ", ".join(_passed(parameter, parameters, width, result) for parameter in parameters)
    head = f"struct {struct} {{\n{fields}}};\n\n" if returned else ""
    kind = struct if returned else "void"
    before = f"  {struct} {result};\n" if returned else ""
    after = f"  return {result};\n" if returned else ""
    return (
        f"{head}inline {kind} {called}({', '.join(taken)}) {{\n{checks}{before}"
        f"  {helpers}check(::{function.name}({passed}));\n{after}}}\n"
    )


def _free(name: str, parameters: Sequence[Parameter]) -> str:
    while any(parameter.name == name for parameter in parameters):
        name += "_"
    return name


def _type(type_: types.Type) -> str:
    c = SCALARS[type_].c
    return f"std::{c}" if c.endswith("_t") else c


def _held(parameter: Parameter, width: int) -> str:
    """What the result has for an output."""
    type_ = _type(parameter.type)
    return f"std::array<{type_}, {width}>" if width and parameter.role is not Role.RESULT else type_


def _rank(leaf: Leaf | None, width: int, role: Role) -> int:
    assert leaf is not None
    return int(leaf.type.ndim) + (1 if width and role is Role.SHADOW else 0)


def _taken(parameter: Parameter, function: Function, width: int, helpers: str) -> str | None:
    """The parameter of C++, if there is one, but for seeds."""
    type_ = _type(parameter.type)
    if parameter.role in (Role.ARRAY, Role.SHADOW):
        constant = "const " if parameter.role is Role.ARRAY and not is_written(parameter, function) else ""
        return f"{helpers}array<{constant}{type_}, {_rank(parameter.leaf, width, parameter.role)}> {parameter.name}"
    if parameter.role is Role.TANGENT and width:
        return f"const std::array<{type_}, {width}> &{parameter.name}"
    return f"{type_} {parameter.name}" if parameter.role in (Role.VALUE, Role.TANGENT) else None


def _seed(parameter: Parameter, width: int) -> str:
    type_ = _type(parameter.type)
    return f"const std::array<{type_}, {width}> &{parameter.name}" if width else f"{type_} {parameter.name} = 1"


def _owner(parameter: Parameter, parameters: Sequence[Parameter]) -> str:
    return next(p.name for p in parameters if p.leaf == parameter.leaf and p.role is Role.ARRAY)


def _check(parameter: Parameter, parameters: Sequence[Parameter], width: int, helpers: str) -> str:
    if parameter.role is Role.ARRAY and parameter.leaf is not None and parameter.leaf.type.layout == "C":
        return f'  {helpers}in_c_order({parameter.name}, "{parameter.name} is not in C order");\n'
    if parameter.role is not Role.SHADOW:
        return ""
    owner = _owner(parameter, parameters)
    if not width:
        return f'  {helpers}same_layout({owner}, {parameter.name}, "{parameter.name} has not the shape of {owner}");\n'
    rank = _rank(parameter.leaf, width, parameter.role) - 1
    conditions = [f"{parameter.name}.shape[0] != {width}"]
    for axis in range(rank):
        conditions.append(f"{parameter.name}.shape[{axis + 1}] != {owner}.shape[{axis}]")
        conditions.append(f"{parameter.name}.strides[{axis + 1}] != {owner}.strides[{axis}]")
    checked = " || ".join(conditions)
    in_order = parameter.leaf is not None and parameter.leaf.type.layout == "C"
    order = f'  {helpers}in_c_order({parameter.name}, "{parameter.name} is not in C order");\n' if in_order else ""
    return f'  if ({checked})\n    throw std::invalid_argument("{parameter.name} is no batch for {owner}");\n{order}'


def _passed(parameter: Parameter, parameters: Sequence[Parameter], width: int, result: str) -> str:
    """The argument of the C function."""
    name, role = parameter.name, parameter.role
    if role in (Role.ARRAY, Role.SHADOW):
        return f"const_cast<{_type(parameter.type)} *>({name}.data)"
    if role in (Role.EXTENT, Role.STRIDE):
        field = "shape" if role is Role.EXTENT else "strides"
        return f"{_owner(parameter, parameters)}.{field}[{parameter.axis}]"
    if role is Role.SHADOW_STEP:
        shadow = next(p.name for p in parameters if p.leaf == parameter.leaf and p.role is Role.SHADOW)
        return f"{shadow}.strides[0]"
    if role in _RETURNED:
        return f"{result}.{name}.data()" if width and role is not Role.RESULT else f"&{result}.{name}"
    return f"{name}.data()" if width and role in (Role.SEED, Role.TANGENT) else name
