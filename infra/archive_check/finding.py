"""A finding of the archive check."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Ask = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
"""Executes a query. Raises ClickHouseUnavailable or ClickHouseRefused."""

Tell = Callable[[str, int, int], object]
"""Progress: what is done, how much of it, of how much."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one check says."""

    check: str
    ok: bool
    found: str
    """What was compared, and where it does not add up."""
    examples: tuple[str, ...] = ()
    """Places or ids, at most ten."""
    remedy: str = ""
    """What to do; empty where everything adds up."""
