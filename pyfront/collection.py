"""Garbage: the collector's first look at everything, which Python takes soon after Numba's import, is put off.

It takes as long as all else that a process does to call a derivative from the cache, 35 ms, and finds nothing, for
what it looks at is what imports have made. The young objects of all generations count as looked at.
"""

from __future__ import annotations

import gc


def put_off() -> None:
    """Begin to count anew; nothing is kept from being collected later."""
    if gc.isenabled() and gc.get_freeze_count() == 0:
        gc.freeze()
        gc.collect()
        gc.unfreeze()


put_off()
