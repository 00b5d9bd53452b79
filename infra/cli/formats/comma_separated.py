"""CSV as in RFC 4180: a header, CRLF line ends, quotes where a value needs them."""

import csv
import io
from typing import BinaryIO

from infra.cli.formats.cell_text import cell_text
from infra.cli.formats.result_writer import Columns, Rows


class CommaSeparated:
    """UTF-8. Times are ISO 8601, NULL is an empty value, lists and maps are JSON."""

    def __init__(self, columns: Columns, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines = io.StringIO(newline="")
        self._writer = csv.writer(self._lines)
        self._writer.writerow([name for name, _ in columns])
        self._flush()

    def write(self, rows: Rows) -> None:
        """See `ResultWriter`."""
        self._writer.writerows(
            ["" if value is None else cell_text(value) for value in row] for row in rows
        )
        self._flush()

    def finish(self, *, whole: bool) -> None:
        """See `ResultWriter`."""

    def _flush(self) -> None:
        self._stream.write(self._lines.getvalue().encode("utf-8", "surrogatepass"))
        self._lines.seek(0)
        self._lines.truncate()
