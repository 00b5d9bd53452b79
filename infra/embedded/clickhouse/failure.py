"""What went wrong, in ClickHouse's own terms: a code, a name and a message."""

from __future__ import annotations

import re
from typing import Final

BAD_ARGUMENTS: Final = 36
UNEXPECTED_PACKET: Final = 101
UNKNOWN_SETTING: Final = 115
NOT_IMPLEMENTED: Final = 48
UNKNOWN_FORMAT: Final = 73
READONLY: Final = 164
CANNOT_DECOMPRESS: Final = 271
TOO_MANY_BYTES: Final = 307
ACCESS_DENIED: Final = 497
TOO_MANY_CONNECTIONS: Final = 202
SOCKET_TIMEOUT: Final = 209
SESSION_NOT_FOUND: Final = 372
SESSION_IS_LOCKED: Final = 373
INVALID_SESSION_TIMEOUT: Final = 374
QUERY_WAS_CANCELLED: Final = 394
AUTHENTICATION_FAILED: Final = 516
STD_EXCEPTION: Final = 1001

# The engine wraps an error in itself as it passes it on; the innermost is what happened.
_ENGINE_TEXT = re.compile(
    r"(?:Code: \d+\. DB::Exception: )*Code: (\d+)\. (DB::.*?)(?: \(version [\d.]+\).*)?$", re.DOTALL
)
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*$")


class ClickHouseError(Exception):
    """An error the client is told about; the connection stays usable after it.

    ``code`` is ClickHouse's number, ``name`` its constant (``UNKNOWN_TABLE``), ``message`` the text
    without the code, beginning with ``DB::Exception:`` as a ClickHouse server sends it.
    """

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"Code: {code}. {message}")
        self.code = code
        self.name = name
        self.message = message


def failure(code: int, name: str, text: str) -> ClickHouseError:
    """Build an error of our own, worded like ClickHouse words its errors."""
    return ClickHouseError(code, name, f"DB::Exception: {text} ({name})")


def from_engine(error: Exception) -> ClickHouseError:
    """Read code, name and message out of the text the engine raised.

    Text without a code (the engine rarely does that) becomes 1001 STD_EXCEPTION.
    """
    found = _ENGINE_TEXT.search(str(error))
    if found is None:
        return failure(STD_EXCEPTION, "STD_EXCEPTION", str(error) or type(error).__name__)
    message = found[2].strip()
    name = _NAME.search(message)
    return ClickHouseError(int(found[1]), name[1] if name else "", message)
