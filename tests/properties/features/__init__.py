"""The features of random kernels, one file each: what each contributes is a few productions for a `Drawing`.

A new feature is a new file with a `FEATURE`, and its name in `FEATURES`.
"""

from __future__ import annotations

from properties.features import (
    array_expressions,
    callees,
    carried,
    comparisons,
    derivatives,
    exceptions,
    exits,
    integers,
    local_arrays,
    loops,
    masked,
    narrow_arrays,
    plain,
    products,
    recursion,
    remainders,
    rules,
    solves,
    sorting,
    special_points,
    swaps,
    tuples,
    views,
    workspace,
)

PLAIN = plain.FEATURE

FEATURES = (
    array_expressions.FEATURE,
    callees.FEATURE,
    carried.FEATURE,
    comparisons.FEATURE,
    derivatives.FEATURE,
    exceptions.FEATURE,
    exits.FEATURE,
    integers.FEATURE,
    local_arrays.FEATURE,
    loops.FEATURE,
    masked.FEATURE,
    narrow_arrays.FEATURE,
    products.FEATURE,
    recursion.FEATURE,
    remainders.FEATURE,
    rules.FEATURE,
    solves.FEATURE,
    sorting.FEATURE,
    special_points.FEATURE,
    swaps.FEATURE,
    tuples.FEATURE,
    views.FEATURE,
    workspace.FEATURE,
)
