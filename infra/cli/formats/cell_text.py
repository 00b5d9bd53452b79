"""A value of ClickHouse as text, where a format has no type for it."""

from datetime import datetime
from typing import Any

import msgspec


def cell_text(value: Any) -> str:
    """Times as ISO 8601, lists, tuples and maps as JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return str(value)
