"""Classification of ClickHouse errors: temporary or permanent."""

import struct
from collections.abc import Callable
from typing import TypeVar

from clickhouse_driver import errors

Result = TypeVar("Result")

_DATA = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        12,  # PARAMETER_OUT_OF_BOUND
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        691,  # UNKNOWN_ELEMENT_OF_ENUM
    }
)
"""Error codes about the data. Any other code is about the server or its tables: it passes with
time, a migration or an operator, and the data waits."""

_BAD_VALUES = (struct.error, UnicodeError, OverflowError, TypeError, ValueError, AttributeError)
"""Exceptions of the driver for a value that does not fit its column."""


class ClickHouseUnavailable(Exception):  # noqa: N818 - says what is the matter
    """Temporary failure (unreachable, overloaded, not migrated): retry."""


class ClickHouseRefused(Exception):  # noqa: N818 - says what is the matter
    """Permanent failure. `code` is ClickHouse's number, 0 from the driver."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"ClickHouse refused (code {code}): {message}")
        self.code = code
        self.message = message


def translated(call: Callable[[], Result]) -> Result:
    """Calls, and translates the driver's exceptions to ClickHouseUnavailable or
    ClickHouseRefused."""
    try:
        return call()
    except errors.ServerException as problem:
        if problem.code in _DATA:
            raise ClickHouseRefused(problem.code, _first_line(problem.message)) from problem
        raise ClickHouseUnavailable(_first_line(problem.message)) from problem
    except (
        errors.NetworkError,
        errors.SocketTimeoutError,
        errors.UnexpectedPacketFromServerError,
        errors.UnknownPacketFromServerError,
        errors.PartiallyConsumedQueryError,
        errors.ChecksumDoesntMatchError,
        EOFError,
        OSError,
    ) as problem:
        raise ClickHouseUnavailable(str(problem) or type(problem).__name__) from problem
    except errors.Error as problem:
        raise ClickHouseRefused(problem.code or 0, str(problem.message)) from problem
    except _BAD_VALUES as problem:
        raise ClickHouseRefused(0, f"{type(problem).__name__}: {problem}") from problem


def _first_line(message: str | None) -> str:
    return (message or "").strip().partition("\nStack trace")[0].partition("\n")[0]
