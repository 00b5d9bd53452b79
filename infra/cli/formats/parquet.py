"""Apache Parquet, with the types of ClickHouse's columns."""

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from infra.cli.formats.cell_text import cell_text
from infra.cli.formats.result_writer import Columns, Rows
from infra.cli.refusal import Refusal

if TYPE_CHECKING:
    import pyarrow

_PARTS = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)

_SIMPLE = {
    "Bool": "bool_",
    "Int8": "int8",
    "Int16": "int16",
    "Int32": "int32",
    "Int64": "int64",
    "UInt8": "uint8",
    "UInt16": "uint16",
    "UInt32": "uint32",
    "UInt64": "uint64",
    "Float32": "float32",
    "Float64": "float64",
    "Date": "date32",
    "Date32": "date32",
    "String": "string",
    "FixedString": "string",
    "Enum8": "string",
    "Enum16": "string",
}
"""ClickHouse type -> the function of pyarrow that makes the type."""

MAX_DECIMAL_DIGITS = 38
"""Of Arrow's decimal128; a longer decimal is text."""


class Parquet:
    """One row group a chunk. A type that Parquet does not have (UUID, IP address) is text."""

    def __init__(self, columns: Columns, stream: BinaryIO) -> None:
        try:
            import pyarrow  # noqa: PLC0415 - only this format needs it
            from pyarrow.parquet import ParquetWriter  # noqa: PLC0415
        except ImportError:
            raise Refusal("Parquet needs pyarrow; run `pip install pyarrow`") from None
        self._arrow = pyarrow
        text = pyarrow.string()
        self._schema = pyarrow.schema([(name, arrow_type(kind) or text) for name, kind in columns])
        self._writer = ParquetWriter(stream, self._schema, compression="zstd")

    def write(self, rows: Rows) -> None:
        """See `ResultWriter`."""
        arrays = []
        for values, field in zip(zip(*rows, strict=True), self._schema, strict=True):
            cells: Any = values
            if field.type == self._arrow.string():
                cells = [None if value is None else cell_text(value) for value in values]
            elif field.type == self._arrow.bool_():  # a view may give UInt8 where it says Bool
                cells = [None if value is None else bool(value) for value in values]
            arrays.append(self._arrow.array(cells, type=field.type))
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def finish(self, *, whole: bool) -> None:
        """See `ResultWriter`."""
        self._writer.close()


def arrow_type(kind: str) -> "pyarrow.DataType | None":
    """The Arrow type of a ClickHouse type; None where Arrow has none."""
    import pyarrow  # noqa: PLC0415 - only this format needs it

    found = _PARTS.fullmatch(kind.strip())
    if found is None:
        return None
    name, inner = found[1], found[2] or ""
    if name in ("Nullable", "LowCardinality"):
        return arrow_type(inner)
    if name in _SIMPLE:
        return getattr(pyarrow, _SIMPLE[name])()
    if name in ("DateTime", "DateTime64"):
        digits = int(inner.split(",")[0]) if name == "DateTime64" else 0
        unit = "ms" if digits <= 3 else "us"  # Parquet's begin at 1 ms, Python's end at 1 us
        zone = re.search(r"'([^']+)'", inner)
        # Without a zone the driver gives the time of the server's clock, and no zone is guessed.
        return pyarrow.timestamp(unit, zone[1] if zone else None)
    if name == "Decimal":
        digits, scale = (int(part) for part in inner.split(","))
        return pyarrow.decimal128(digits, scale) if digits <= MAX_DECIMAL_DIGITS else None
    if name == "Array":
        element = arrow_type(inner)
        return None if element is None else pyarrow.list_(element)
    return None
