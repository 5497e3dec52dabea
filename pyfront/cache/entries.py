"""Entries: what a dispatcher asks of the cache when Python calls it with types that it does not know.

    find    the function for these types, made by another process; nothing is compiled, the engine is not loaded
    note    before anything is compiled: which functions are compiled already, perhaps with globals of other values
    store   what was compiled instead

The key of an entry is the fingerprint of what the dispatcher stands for (a kernel with annotations and options, an
operator), the types of the call, and the environment.
"""

from __future__ import annotations

import os
import secrets
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.np import numpy_support

from pyfront.cache import objects, store
from pyfront.cache.fingerprint import Fingerprint, Unknown, digest, environment, module_of


class Cache:
    """The entries of one dispatcher."""

    def __init__(self, function: Any, origin: Any) -> None:
        """``function``: the Python function beside whose source entries lie; ``origin``: what is fingerprinted."""
        self._function = function
        self._origin = origin
        self._keys: dict[tuple[types.Type, ...], _Key] = {}
        self._unknown: dict[tuple[types.Type, ...], Unknown] = {}
        self.found: dict[tuple[types.Type, ...], Any] = {}
        """The functions that came from the cache, by the types of the call."""
        self.said: dict[tuple[types.Type, ...], Any] = {}
        """What was stored with them."""

    @property
    def _source(self) -> str:
        return str(self._function.__code__.co_filename)

    @global_compiler_lock
    def find(self, given: tuple[types.Type, ...]) -> Any:
        """The function for a call with these types, or None."""
        if given in self.found:
            return self.found[given]
        if os.environ.get("PYFRONT_DUMP"):
            return None
        try:
            key = _Key(self._function, self._origin, given)
        except Unknown as reason:
            self._unknown[given] = reason
            return None
        self._keys[given] = key
        entry = store.read(self._source, key.file_name, key.text)
        if entry is not None:
            try:
                function = objects.load(objects.Code(*entry[0]))
            except objects.Missing as missing:
                store.warn(f"a cached derivative needs what is not here, so it is compiled again: {missing}")
            else:
                self.found[given], self.said[given] = function, entry[1]
                return function
        self._note(key)
        return None

    def note(self) -> None:
        """Look at the functions involved before something is compiled that no call has asked for."""
        try:
            self._note(_Key(self._function, self._origin, ()))
        except Unknown:
            return

    @global_compiler_lock
    def store(self, given: tuple[types.Type, ...], overload: Any, said: Any = None) -> None:
        """Store what was compiled after `find` had found nothing for these types, and plain data that goes with it."""
        if given in self._unknown:
            self._warn(self._unknown.pop(given))
        key = self._keys.pop(given, None)
        if key is None:
            return
        from pyfront.cache import making

        try:
            if key.stale_twins:
                raise Unknown(f"`{key.stale_twins[0]}`, which was compiled before, perhaps with other globals")
            code = making.make(overload, key.found, key.stale)
        except Unknown as reason:
            self._warn(reason)
            return
        store.write(self._source, key.file_name, key.text, (tuple(vars(code).values()), said))

    def _note(self, key: _Key) -> None:
        """Which functions are compiled already, and not known to have been so with what the key says of them."""
        from pyfront.numba_target import twin_overloads

        for dispatcher in key.dispatchers:
            compiled = [overload.library for overload in dispatcher.overloads.values()]
            twins = twin_overloads(dispatcher)
            now = _alone(dispatcher)
            known = _fresh.get(dispatcher)
            if known is None and not compiled and not twins:
                _fresh[dispatcher] = known = now
            if known is None or known != now:
                key.stale += compiled
                key.stale_twins += [dispatcher.py_func.__name__] if twins else []

    def _warn(self, reason: Unknown) -> None:
        store.warn(f"the derivative of `{self._function.__qualname__}` is not cached, for it depends on {reason}")


_fresh: weakref.WeakKeyDictionary[Dispatcher, str] = weakref.WeakKeyDictionary()
"""Functions that were seen before they were compiled for anything, and their fingerprints then."""


def _alone(dispatcher: Dispatcher) -> str:
    return digest(Fingerprint().of(dispatcher))


def new_serial() -> int:
    """A number that no other process gives to an entry."""
    return secrets.randbits(62)


class _Key:
    def __init__(self, function: Any, origin: Any, given: tuple[types.Type, ...]) -> None:
        found = Fingerprint()
        question = (module_of(function), function.__qualname__, function.__code__.co_firstlineno)
        of_types = tuple(map(found.of_type, given))
        depends = found.of(origin)
        self.text = digest((question, of_types, depends, environment()))
        name = f"{Path(function.__code__.co_filename).stem}.{function.__qualname__}"
        self.file_name = store.file_name(name, digest((question, of_types)), self.text)
        self.found = found
        self.dispatchers = found.dispatchers
        self.stale: list[Any] = []
        self.stale_twins: list[str] = []


_PLAIN = frozenset({float, int, bool, complex, np.ndarray, np.float64, np.float32, np.int64, np.int32, np.bool_})


class TypesOfArrays:
    """Of a dispatcher: to tell a plain array Numba imports `numpy.ma`, which takes as long as loading an entry does."""

    def typeof_pyval(self, val: Any) -> Any:
        """Numba's type of an argument."""
        if type(val) is not np.ndarray:
            return super().typeof_pyval(val)  # type: ignore[misc]
        try:
            dtype = numpy_support.from_dtype(val.dtype)
        except errors.NumbaError:
            return super().typeof_pyval(val)  # type: ignore[misc]
        layout, readonly = numpy_support.map_layout(val), not val.flags.writeable
        return types.Array(dtype, val.ndim, layout, readonly=readonly)


def types_of_call(dispatcher: Dispatcher, args: Sequence[Any]) -> tuple[types.Type, ...] | None:
    """The types of the arguments of a call from Python, None if one is of a kind that is not looked up."""
    result = []
    for value in args:
        kind = type(value)
        if kind in _PLAIN or isinstance(value, tuple):
            result.append(dispatcher.typeof_pyval(value))
        else:
            return None
    return None if types.pyobject in result else tuple(result)
