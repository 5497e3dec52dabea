"""pyfront: derivatives of Numba kernels that mutate their arrays in place.

`autodiff` is the entry; the annotations say what it does with each argument. ``docs/architecture.md`` says how it
works.
"""

from pyfront.annotations import Active, BatchDuplicated, Const, Duplicated, DuplicatedNoNeed
from pyfront.derivative import Derivative, autodiff, release_memory
from pyfront.errors import (
    AliasedCallError,
    AnnotationError,
    ArgumentError,
    ArityError,
    AutodiffError,
    DtypeError,
    EngineError,
    EngineMismatch,
    EngineNotFound,
    InternalError,
    LayoutError,
    OverlapError,
    ReadonlyError,
    SeedError,
    ShapeError,
    UnsupportedError,
)
from pyfront.modes import Forward, ForwardWithPrimal, Mode, Reverse, ReverseWithPrimal

__version__ = "0.1.0"

__all__ = [
    "Active",
    "AliasedCallError",
    "AnnotationError",
    "ArgumentError",
    "ArityError",
    "AutodiffError",
    "BatchDuplicated",
    "Const",
    "Derivative",
    "DtypeError",
    "Duplicated",
    "DuplicatedNoNeed",
    "EngineError",
    "EngineMismatch",
    "EngineNotFound",
    "Forward",
    "ForwardWithPrimal",
    "InternalError",
    "LayoutError",
    "Mode",
    "OverlapError",
    "ReadonlyError",
    "Reverse",
    "ReverseWithPrimal",
    "SeedError",
    "ShapeError",
    "UnsupportedError",
    "autodiff",
    "release_memory",
]
