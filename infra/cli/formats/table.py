"""A table for people."""

import io
from typing import Any, BinaryIO

from rich.table import Table

from infra.cli.formats.result_writer import Columns, Rows
from infra.cli.printing import plain_console


class TextTable:
    """As wide as the terminal; lines of a file or a pipe are not wrapped."""

    def __init__(self, columns: Columns, stream: BinaryIO) -> None:
        self._table = Table(*(name for name, _ in columns))
        self._stream = stream

    def write(self, rows: Rows) -> None:
        """See `ResultWriter`. The widths depend on every row, so all are kept until the end."""
        for row in rows:
            self._table.add_row(*(_text(value) for value in row))

    def finish(self, *, whole: bool) -> None:
        """See `ResultWriter`."""
        if not whole:
            return
        text = io.TextIOWrapper(self._stream, encoding="utf-8", errors="surrogatepass")
        plain_console(file=text).print(self._table)
        text.flush()
        text.detach()


def _text(value: Any) -> str:
    return "" if value is None else str(value)
