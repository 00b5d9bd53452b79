"""Explains failures of ClickHouse in one sentence."""

from clickhouse_driver.errors import Error as ClickHouseError
from clickhouse_driver.errors import NetworkError, SocketTimeoutError

from infra.cli.refusal import Refusal
from infra.clickhouse.connection import address
from infra.settings import Settings

UNAVAILABLE = (NetworkError, SocketTimeoutError, OSError, EOFError)
PROBLEMS = (ClickHouseError, OSError, EOFError)
"""Exceptions of a statement."""


def archive_refusal(problem: Exception, settings: Settings) -> Refusal:
    """The sentence for one of `PROBLEMS`, with what to check where ClickHouse does not answer."""
    # The driver puts "Code: N." before ClickHouse's words and its stack after them.
    said = str(getattr(problem, "message", "") or problem).split("Stack trace:")[0]
    why = " ".join(said.split())[:500] or type(problem).__name__
    if not isinstance(problem, UNAVAILABLE):
        return Refusal(f"ClickHouse: {why}")
    host, port = address(settings)
    return Refusal(
        f"no answer from ClickHouse at {host}:{port} ({why}): is DAEHWA_CLICKHOUSE_URL what "
        "`daehwa up` printed?"
    )
