"""Scalars: the types of numbers that cross the package's borders, with the engine's and C's names for them."""

from __future__ import annotations

from typing import NamedTuple

from numba.core import types


class Names(NamedTuple):
    """What a scalar type is called in a request and in a C declaration."""

    engine: str
    c: str


SCALARS: dict[types.Type, Names] = {
    types.float64: Names("f64", "double"),
    types.float32: Names("f32", "float"),
    types.int64: Names("i64", "int64_t"),
    types.int32: Names("i32", "int32_t"),
    types.int16: Names("i16", "int16_t"),
    types.int8: Names("i8", "int8_t"),
    types.uint64: Names("u64", "uint64_t"),
    types.uint32: Names("u32", "uint32_t"),
    types.uint16: Names("u16", "uint16_t"),
    types.uint8: Names("u8", "uint8_t"),
    types.boolean: Names("bool", "uint8_t"),
}
