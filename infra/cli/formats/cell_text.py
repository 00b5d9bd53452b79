"""A value of ClickHouse as text, where a format has no type for it."""

from datetime import datetime
from typing import Any

import msgspec


def cell_text(value: Any) -> str:
    """Times as ISO 8601, lists, tuples and maps as JSON; of bytes that are no UTF-8, each one that
    is none as `\\xff`."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return str(value)
