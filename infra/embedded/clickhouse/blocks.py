"""Native blocks: a table's piece, column by column, as it travels between client and engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .byte_stream import ByteStream, MalformedError, at_once, stream_of
from .column_layout import UnsupportedTypeError, layout_of

Columns = tuple[tuple[str, str], ...]

MAX_COLUMNS: Final = 10_000
MAX_NAME_BYTES: Final = 1 << 20

SERIALIZATION_REVISION: Final = 54454
"""The first protocol revision with a serialization byte per column."""

# Field 1: not an overflow block; field 2: bucket -1; field 0: end.
BLOCK_INFO: Final = bytes((1, 0, 2)) + (-1).to_bytes(4, "little", signed=True) + bytes((0,))


@dataclass(frozen=True, slots=True)
class Shape:
    """Names and types of a block's columns, and its number of rows."""

    columns: Columns
    rows: int


def varint(value: int) -> bytes:
    """Encode an unsigned number as LEB128."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def text(value: str) -> bytes:
    """Encode a string as its length in bytes and its UTF-8."""
    encoded = value.encode()
    return varint(len(encoded)) + encoded


def header_block(columns: Columns) -> bytes:
    """A block without rows, which tells a client names and types."""
    names = b"".join(text(name) + text(type_name) for name, type_name in columns)
    return varint(len(columns)) + varint(0) + names


async def read_block_info(stream: ByteStream) -> None:
    """Walk over the block info, which a single-node server has no use for."""
    while field := await stream.varint():
        if field == 1:
            await stream.skip(1)
        elif field == 2:
            await stream.skip(4)
        else:
            raise MalformedError(f"block info field {field}")


async def read_block(stream: ByteStream, sink: Callable[[bytes], object] | None = None) -> Shape:
    """Walk over one block (without block info) and hand its bytes to ``sink`` in pieces.

    A block without rows hands over nothing. Raises `MalformedError` for impossible counts and
    `UnsupportedTypeError` for a column that cannot be walked over.
    """
    count = await stream.varint()
    rows = await stream.varint()
    if count > MAX_COLUMNS:
        raise MalformedError(f"a block of {count} columns")
    if sink is not None and rows:
        sink(varint(count) + varint(rows))
        stream.start_copy(sink)
    columns = []
    for _ in range(count):
        name = await stream.text(MAX_NAME_BYTES)
        type_name = await stream.text(MAX_NAME_BYTES)
        columns.append((name, type_name))
        if rows:
            layout = layout_of(type_name)
            await layout.prefix(stream)
            await layout.values(stream, rows)
    stream.stop_copy()
    return Shape(tuple(columns), rows)


def split_blocks(data: bytes) -> list[tuple[Shape, bytes]]:
    """Cut the engine's concatenated blocks apart."""
    stream, blocks = stream_of(data), []
    while not stream.drained:
        start = stream.position
        shape = at_once(read_block(stream))
        blocks.append((shape, data[start : stream.position]))
    return blocks


def columns_of(block: bytes) -> Columns | None:
    """Names and types of a block's columns; None when one of them cannot be walked over."""
    try:
        return at_once(read_block(stream_of(block))).columns
    except UnsupportedTypeError:
        return None


def for_revision(data: bytes, columns: Columns, revision: int) -> bytes:
    """The engine's concatenated blocks as a client of this protocol revision reads them over HTTP:
    with block info, types in full (`columns`) and, where the revision has it, a serialization byte
    per column. Without blocks: one without rows, which tells names and types.

    Raises `UnsupportedTypeError` for a column that cannot be walked over.
    """
    marked = revision >= SERIALIZATION_REVISION
    blocks = split_blocks(data) or [(Shape(columns, 0), header_block(columns))]
    return b"".join(
        BLOCK_INFO + at_once(_rewritten(stream_of(block), columns or shape.columns, marked=marked))
        for shape, block in blocks
    )


async def _rewritten(stream: ByteStream, columns: Columns, *, marked: bool) -> bytes:
    count, rows = await stream.varint(), await stream.varint()
    parts = [varint(count) + varint(rows)]
    for name, type_name in columns:
        await stream.text(MAX_NAME_BYTES)
        await stream.text(MAX_NAME_BYTES)
        start = stream.position
        if rows:
            layout = layout_of(type_name)
            await layout.prefix(stream)
            await layout.values(stream, rows)
        parts += [text(name), text(type_name), b"\0" if marked else b""]
        parts.append(stream.data[start : stream.position])
    return b"".join(parts)


def needs_labels(columns: Columns) -> bool:
    """True when the engine's blocks do not say the types of these columns in full.

    It writes blocks for clients of any age, and the oldest do not know ``DateTime('UTC')``.
    """
    return any(type_name.startswith("DateTime(") for _, type_name in columns)


def labelled(block: bytes, columns: Columns) -> bytes:
    """The same block with the types of ``columns`` in its labels.

    A block with a column that cannot be walked over comes back as it was.
    """
    try:
        return at_once(_labelled(stream_of(block), columns))
    except UnsupportedTypeError:
        return block


async def _labelled(stream: ByteStream, columns: Columns) -> bytes:
    count, rows = await stream.varint(), await stream.varint()
    parts = [varint(count) + varint(rows)]
    last = max(n for n, (_, type_name) in enumerate(columns) if type_name.startswith("DateTime("))
    for name, type_name in columns[: last + 1]:
        await stream.text(MAX_NAME_BYTES)
        await stream.text(MAX_NAME_BYTES)
        start = stream.position
        layout = layout_of(type_name)
        await layout.prefix(stream)
        await layout.values(stream, rows)
        parts += [text(name), text(type_name), stream.data[start : stream.position]]
    parts.append(stream.data[stream.position :])
    return b"".join(parts)
