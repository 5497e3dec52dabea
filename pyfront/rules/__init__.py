"""Rules: functions whose derivative is said, not found.

registry   which functions have one
memory     arrays in memory that belongs to a derivative's call, and at addresses that it gives
parts      what a derivative calls in the place of such a function, compiled for one signature
captured   how a call of such a function gets into a captured kernel
"""

from __future__ import annotations

from pyfront.rules.registry import define_rule, inactive

__all__ = ["define_rule", "inactive"]
