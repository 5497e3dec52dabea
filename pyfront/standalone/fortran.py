"""The Fortran module ``name_interface``: the C functions by iso_c_binding, with assumed-size arrays.

Fortran has no unsigned numbers; those of C are taken as the integers of their size. Its names know no case, begin with
a letter and have 63 characters: others get an ending. What C may be given NULL for is optional here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyfront.cabi import Parameter, Role
from pyfront.scalars import SCALARS
from pyfront.standalone.functions import Function
from pyfront.standalone.headers import documented, is_written

_KINDS = {
    "double": "real(c_double)",
    "float": "real(c_float)",
    "int64_t": "integer(c_int64_t)",
    "int32_t": "integer(c_int32_t)",
    "int16_t": "integer(c_int16_t)",
    "int8_t": "integer(c_int8_t)",
    "uint64_t": "integer(c_int64_t)",
    "uint32_t": "integer(c_int32_t)",
    "uint16_t": "integer(c_int16_t)",
    "uint8_t": "integer(c_int8_t)",
}


def text(name: str, functions: Sequence[Function]) -> str:
    """The file ``name.f90``."""
    taken = {"c_ptr", *re.findall(r"c_\w+", " ".join(_KINDS.values()))}
    module = _fitting(name + "_interface", taken)
    own = [_fitting(function.name, taken) for function in functions]
    bodies = "\n".join(_interface(function, called) for function, called in zip(functions, own, strict=True))
    return f"""\
! {name}.f90 - interfaces of the functions of {name}.h, which says what they do.
module {module}
  use, intrinsic :: iso_c_binding
  implicit none

  interface
{bodies}
    ! What a status means: a string of C that ends with c_null_char.
    function {_fitting(name + "_error", taken)}(status) bind(c, name="{name}_error") result(text)
      import
      integer(c_int32_t), value :: status
      type(c_ptr) :: text
    end function

    subroutine {_fitting(name + "_release", taken)}() bind(c, name="{name}_release")
    end subroutine
  end interface
end module
"""


def _interface(function: Function, own: str) -> str:
    taken = {own.lower(), *re.findall(r"c_\w+", " ".join(_KINDS.values()))}
    result = _fitting("status", taken)
    named = [(_fitting(parameter.name, taken), parameter, said) for parameter, said in documented(function)]
    arguments = ", &\n      ".join(fitting for fitting, _, _ in named)
    taken_by = f"( &\n      {arguments} &\n    )" if named else "()"
    lines = [
        f'    function {own}{taken_by} bind(c, name="{function.name}") &',
        f"        result({result})",
        "      import",
    ]
    for fitting, parameter, said in named:
        lines += [
            f"      ! {said[:110]}",
            f"      {_declaration(parameter, function)} :: {fitting}{_rank(parameter, function)}",
        ]
    lines += [f"      integer(c_int32_t) :: {result}", "    end function", ""]
    return "\n".join(lines)


def _declaration(parameter: Parameter, function: Function) -> str:
    kind = _KINDS[SCALARS[parameter.type].c]
    if not parameter.is_pointer:
        return f"{kind}, value"
    if parameter.role in (Role.RESULT, Role.RESULT_TANGENT):
        return f"{kind}, intent(out), optional"
    if parameter.role is Role.ADJOINT:
        return f"{kind}, intent(out)"
    if parameter.role in (Role.SEED, Role.TANGENT):
        return f"{kind}, intent(in)"
    read_only = parameter.role is Role.ARRAY and not is_written(parameter, function)
    return f"{kind}, intent({'in' if read_only else 'inout'})"


def _rank(parameter: Parameter, function: Function) -> str:
    if not parameter.is_pointer or parameter.role is Role.RESULT:
        return ""
    if parameter.role in (Role.ARRAY, Role.SHADOW):
        return "(*)"
    return f"({function.code.width})" if function.code.is_batch else ""


def _fitting(name: str, taken: set[str]) -> str:
    """A name of Fortran that nothing else has."""
    fitting = (name if name[0].isalpha() else f"x{name}")[:63]
    count = 1
    while fitting.lower() in taken:
        count += 1
        fitting = f"{fitting[:59]}_{count}"
    taken.add(fitting.lower())
    return fitting
