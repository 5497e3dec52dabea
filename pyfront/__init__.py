"""pyfront: derivatives of Numba kernels that mutate their arrays in place.

`autodiff` is the entry; the annotations say what it does with each argument. The operators, `grad` and its kin, need
none: they copy what they are given, and return derivatives. ``docs/architecture.md`` says how it
works.

Operators are imported when the first one is named: a process that calls a derivative from the cache needs none.
"""

from typing import TYPE_CHECKING, Any

from pyfront import collection  # noqa: F401, before what allocates
from pyfront.annotations import Active, BatchDuplicated, Const, Duplicated, DuplicatedNoNeed
from pyfront.check import check
from pyfront.compile_report import CompileReport
from pyfront.derivative import Derivative, autodiff, release_memory
from pyfront.errors import (
    AliasedCallError,
    AnnotationError,
    ArgnumsError,
    ArgumentError,
    ArityError,
    AutodiffError,
    CacheWarning,
    CheckError,
    DtypeError,
    EngineError,
    EngineMismatch,
    EngineNotFound,
    ExportError,
    InternalError,
    LayoutError,
    OverlapError,
    PlanStepError,
    ReadonlyError,
    ResultError,
    RuleError,
    SeedError,
    ShapeError,
    StructureError,
    TapeError,
    UnsupportedError,
)
from pyfront.modes import Forward, ForwardWithPrimal, Mode, Reverse, ReverseWithPrimal
from pyfront.rules import define_rule, inactive
from pyfront.rules.forms import custom_jvp, custom_root, custom_vjp
from pyfront.split import autodiff_split
from pyfront.tape import Tape

if TYPE_CHECKING:
    from pyfront.operators import (
        derivative,
        grad,
        hessian,
        hvp,
        jacfwd,
        jacobian,
        jacrev,
        jvp,
        prepare,
        second_derivative,
        value_and_grad,
        vjp,
    )
    from pyfront.standalone import export
else:
    del globals()["derivative"]  # the module, whose name is an operator's

__version__ = "0.1.0"

__all__ = [
    "Active",
    "AliasedCallError",
    "AnnotationError",
    "ArgnumsError",
    "ArgumentError",
    "ArityError",
    "AutodiffError",
    "BatchDuplicated",
    "CacheWarning",
    "CheckError",
    "CompileReport",
    "Const",
    "Derivative",
    "DtypeError",
    "Duplicated",
    "DuplicatedNoNeed",
    "EngineError",
    "EngineMismatch",
    "EngineNotFound",
    "ExportError",
    "Forward",
    "ForwardWithPrimal",
    "InternalError",
    "LayoutError",
    "Mode",
    "OverlapError",
    "PlanStepError",
    "ReadonlyError",
    "ResultError",
    "Reverse",
    "ReverseWithPrimal",
    "RuleError",
    "SeedError",
    "ShapeError",
    "StructureError",
    "Tape",
    "TapeError",
    "UnsupportedError",
    "autodiff",
    "autodiff_split",
    "check",
    "custom_jvp",
    "custom_root",
    "custom_vjp",
    "define_rule",
    "derivative",
    "export",
    "grad",
    "hessian",
    "hvp",
    "inactive",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "prepare",
    "release_memory",
    "second_derivative",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    """The operators and `export` are imported when they are named: a program that calls derivatives needs neither."""
    if name == "export":
        from pyfront.standalone import export

        return export
    if name in __all__:
        from pyfront import operators

        found = globals()[name] = getattr(operators, name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
