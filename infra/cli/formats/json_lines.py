"""JSON lines: one object a row."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec

from infra.cli.formats.result_writer import Columns, Rows


class JsonLines:
    """Times as ISO 8601, NaN and infinity as null, other types of ClickHouse as text."""

    def __init__(self, columns: Columns, stream: BinaryIO) -> None:
        self._names = [name for name, _ in columns]
        self._stream = stream

    def write(self, rows: Rows) -> None:
        """See `ResultWriter`."""
        for row in rows:
            self._stream.write(json_line(self._names, row).encode() + b"\n")

    def finish(self, *, whole: bool) -> None:
        """See `ResultWriter`."""


def json_line(names: Sequence[str], row: Sequence[Any]) -> str:
    """A row as a JSON object."""
    return msgspec.json.encode(dict(zip(names, row, strict=True)), enc_hook=str).decode()
