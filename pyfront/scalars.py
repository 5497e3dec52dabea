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

_C_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
alignas alignof bool constexpr false nullptr static_assert thread_local true typeof typeof_unqual
and and_eq asm bitand bitor catch class compl concept const_cast delete dynamic_cast explicit export friend
mutable namespace new noexcept not not_eq operator or or_eq private protected public reinterpret_cast requires
static_cast template this throw try typeid typename using virtual wchar_t xor xor_eq
int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t NULL errno
"""

C_KEYWORDS = frozenset(_C_WORDS.split())
"""Names that no parameter of a C function may have, be its header read by C or by C++: keywords, types, macros."""
