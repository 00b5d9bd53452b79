"""One measured number."""

from typing import Any

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """What `make bench` prints: name, value, unit, and what is needed to read it."""

    bench: str
    value: float
    unit: str
    about: dict[str, Any] = {}
