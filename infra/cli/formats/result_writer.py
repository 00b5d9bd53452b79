"""Writer of a query result: rows come in chunks, so that a result may be larger than memory."""

from collections.abc import Sequence
from typing import Any, Protocol

Columns = Sequence[tuple[str, str]]
"""(name, ClickHouse type) of each column."""

Rows = Sequence[Sequence[Any]]


class ResultWriter(Protocol):
    """Writes one result to the stream that it was made with, which stays open."""

    def write(self, rows: Rows) -> None:
        """Writes the next rows."""

    def finish(self, *, whole: bool) -> None:
        """Writes what stands after the last row; `whole`: every row was written, none failed."""
