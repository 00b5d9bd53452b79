"""Formats of query results. A new one is a file here and a line in `FORMATS`."""

from collections.abc import Callable
from typing import BinaryIO

from infra.cli.formats.comma_separated import CommaSeparated
from infra.cli.formats.json_lines import JsonLines
from infra.cli.formats.parquet import Parquet
from infra.cli.formats.result_writer import Columns, ResultWriter
from infra.cli.formats.table import TextTable

FORMATS: dict[str, Callable[[Columns, BinaryIO], ResultWriter]] = {
    "table": TextTable,
    "csv": CommaSeparated,
    "json": JsonLines,
    "parquet": Parquet,
}
"""Name -> the writer, from the columns of the result and the stream it writes to."""
