"""What goes wrong with ClickHouse, sorted by what to do about it: wait, or give up."""

import struct
from collections.abc import Callable
from typing import TypeVar

from clickhouse_driver import errors

Result = TypeVar("Result")

_TRANSIENT = frozenset(
    {
        60,  # UNKNOWN_TABLE: not migrated yet
        81,  # UNKNOWN_DATABASE: likewise
        75,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY
        192,  # UNKNOWN_USER
        193,  # WRONG_PASSWORD
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        285,  # TOO_FEW_LIVE_REPLICAS
        319,  # UNKNOWN_STATUS_OF_INSERT
        341,  # UNFINISHED
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        497,  # ACCESS_DENIED
        516,  # AUTHENTICATION_FAILED
        667,  # NOT_INITIALIZED
        692,  # TOO_MANY_MUTATIONS
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)
"""Codes that time or an operator mends, and no change of the data would."""

_BAD_VALUES = (struct.error, UnicodeError, OverflowError, TypeError, ValueError, AttributeError)
"""What the driver raises while it packs a value that does not fit its column."""


class ClickHouseUnavailable(Exception):  # noqa: N818 - says what is the matter
    """ClickHouse cannot take it now (unreachable, overloaded, not set up): the same again later."""


class ClickHouseRefused(Exception):  # noqa: N818 - says what is the matter
    """ClickHouse will not take it as it is. `code` is ClickHouse's number, 0 from the driver."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"ClickHouse refused (code {code}): {message}")
        self.code = code
        self.message = message


def translated(call: Callable[[], Result]) -> Result:
    """Calls, and raises what the driver raises as ClickHouseUnavailable or ClickHouseRefused."""
    try:
        return call()
    except errors.ServerException as problem:
        if problem.code in _TRANSIENT:
            raise ClickHouseUnavailable(_first_line(problem.message)) from problem
        raise ClickHouseRefused(problem.code or 0, _first_line(problem.message)) from problem
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
