"""How many bytes a column of a given type takes in a native block, found without decoding it.

Blocks are passed between client and engine as they are; all that is needed is where they end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from .byte_stream import ByteStream, MalformedError

_WIDTHS: Final = {
    **{f"{sign}Int{bits}": bits // 8 for sign in ("", "U") for bits in (8, 16, 32, 64, 128, 256)},
    "Float32": 4,
    "Float64": 8,
    "BFloat16": 2,
    "Bool": 1,
    "Date": 2,
    "Date32": 4,
    "DateTime": 4,
    "DateTime64": 8,
    "Time": 4,
    "Time64": 8,
    "Enum8": 1,
    "Enum16": 2,
    "UUID": 16,
    "IPv4": 4,
    "IPv6": 16,
    "Decimal32": 4,
    "Decimal64": 8,
    "Decimal128": 16,
    "Decimal256": 32,
    "Nothing": 1,
    "Point": 16,
}
_TYPE = re.compile(r"\s*([A-Za-z0-9]+)\s*(?:\((.*)\))?\s*$", re.DOTALL)
_NAMED = re.compile(r"\s*(?:[A-Za-z_]\w*|`(?:[^`\\]|\\.)*`)\s+(?=[A-Za-z])", re.DOTALL)
_TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|.", re.DOTALL)
_ONE_BYTE_LENGTH: Final = 0x80
_LONG_RUN: Final = 16
_STEPS: Final = 512
"""Strings to walk over one by one after a short run of equal lengths."""
_HAS_DICTIONARY: Final = 1 << 9
_NEEDS_SHARED_DICTIONARY: Final = 1 << 8


class UnsupportedTypeError(Exception):
    """A type whose bytes cannot be walked over (JSON, Dynamic, Variant, AggregateFunction)."""


class Layout(Protocol):
    """The bytes of one column: an optional state prefix, then the values."""

    async def prefix(self, stream: ByteStream) -> None:
        """Walk over what comes once, before the values."""

    async def values(self, stream: ByteStream, rows: int) -> None:
        """Walk over ``rows`` values."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Every value takes ``width`` bytes."""

    width: int

    async def prefix(self, stream: ByteStream) -> None:
        """Nothing precedes the values."""

    async def values(self, stream: ByteStream, rows: int) -> None:
        """Walk over ``rows`` values."""
        await stream.skip(self.width * rows)


@dataclass(frozen=True, slots=True)
class Text:
    """Every value is a length and that many bytes."""

    async def prefix(self, stream: ByteStream) -> None:
        """Nothing precedes the values."""

    async def values(self, stream: ByteStream, rows: int) -> None:
        """Walk over ``rows`` strings; this loop is the cost of an insert, so it is written flat."""
        while rows:
            data, position = stream.data, stream.position
            end = len(data) - 1
            steps = 0
            while rows and position < end:
                size = data[position]
                if size >= _ONE_BYTE_LENGTH:
                    more = data[position + 1]
                    if more >= _ONE_BYTE_LENGTH:
                        break
                    size += (more << 7) - _ONE_BYTE_LENGTH + 1
                elif not steps:
                    run = _equal_lengths(data, position, size, rows)
                    position += run * (size + 1)
                    rows -= run
                    steps = 0 if run > _LONG_RUN else _STEPS
                    continue
                else:
                    steps -= 1
                position += size + 1
                rows -= 1
            stream.position = min(position, end + 1)
            if position > end + 1:
                await stream.skip(position - end - 1)
            elif rows:
                await stream.skip(await stream.varint())
                rows -= 1


def _equal_lengths(data: bytes, position: int, size: int, rows: int) -> int:
    """How many of the next strings are as long as the first, at least 1: each that is says where
    the length of the next one stands. Empty columns and identifiers are walked over at once."""
    whole = max((len(data) - position) // (size + 1), 1)
    lengths = data[position : position + min(rows, whole) * (size + 1) : size + 1]
    return len(lengths) - len(lengths.lstrip(data[position : position + 1]))


@dataclass(frozen=True, slots=True)
class Nullable:
    """A byte a row saying whether it is null, then the values."""

    inner: Layout

    async def prefix(self, stream: ByteStream) -> None:
        """Walk over the prefix of the values."""
        await self.inner.prefix(stream)

    async def values(self, stream: ByteStream, rows: int) -> None:
        """Walk over the null map and the values."""
        await stream.skip(rows)
        await self.inner.values(stream, rows)


@dataclass(frozen=True, slots=True)
class Array:
    """An end offset a row, then all elements of all rows."""

    inner: Layout

    async def prefix(self, stream: ByteStream) -> None:
        """Walk over the prefix of the elements."""
        await self.inner.prefix(stream)

    async def values(self, stream: ByteStream, rows: int) -> None:
        """Walk over offsets and elements; the last offset counts the elements."""
        if rows:
            await stream.skip(8 * (rows - 1))
            await self.inner.values(stream, await stream.integer(8))


@dataclass(frozen=True, slots=True)
class Tuple:
    """All prefixes, then the elements column by column."""

    elements: tuple[Layout, ...]

    async def prefix(self, stream: ByteStream) -> None:
        """Walk over the prefixes of all elements."""
        for element in self.elements:
            await element.prefix(stream)

    async def values(self, stream: ByteStream, rows: int) -> None:
        """Walk over every element's values."""
        for element in self.elements:
            await element.values(stream, rows)


@dataclass(frozen=True, slots=True)
class LowCardinality:
    """A dictionary of the distinct values, then an index a row."""

    dictionary: Layout

    async def prefix(self, stream: ByteStream) -> None:
        """Walk over the serialization version."""
        await stream.skip(8)

    async def values(self, stream: ByteStream, rows: int) -> None:
        """Walk over dictionary and indexes; no rows take no bytes at all."""
        if not rows:
            return
        kind = await stream.integer(8)
        if kind & _NEEDS_SHARED_DICTIONARY or kind & 0xFF > 3:
            raise MalformedError("an unknown kind of low-cardinality dictionary")
        if kind & _HAS_DICTIONARY:
            await self.dictionary.values(stream, await stream.integer(8))
        indexes = await stream.integer(8)
        await stream.skip(indexes << (kind & 0xFF))


@lru_cache(maxsize=4096)
def layout_of(type_name: str) -> Layout:
    """The layout of a type as ClickHouse writes its name, or `UnsupportedTypeError`."""
    found = _TYPE.match(type_name)
    if found is None:
        raise UnsupportedTypeError(type_name)
    name, arguments = found[1], _split(found[2]) if found[2] else []
    if name in _WIDTHS:
        return Fixed(_WIDTHS[name])
    if name == "String":
        return Text()
    if name.startswith("Interval"):
        return Fixed(8)
    if not arguments:
        raise UnsupportedTypeError(type_name)
    return _composite(name, arguments, type_name)


def _composite(name: str, arguments: list[str], type_name: str) -> Layout:
    match name:
        case "FixedString":
            return Fixed(int(arguments[0]))
        case "Decimal":
            precision = int(arguments[0])
            return Fixed(
                next(w for w, p in ((4, 9), (8, 18), (16, 38), (32, 76)) if precision <= p)
            )
        case "Nullable":
            return Nullable(layout_of(arguments[0]))
        case "Array":
            return Array(layout_of(arguments[0]))
        case "Map":
            return Array(Tuple(tuple(layout_of(argument) for argument in arguments)))
        case "Tuple":
            return Tuple(tuple(layout_of(_unnamed(argument)) for argument in arguments))
        case "Nested":
            return Array(Tuple(tuple(layout_of(_unnamed(argument)) for argument in arguments)))
        case "SimpleAggregateFunction":
            return layout_of(arguments[-1])
        case "LowCardinality":
            inner = layout_of(arguments[0])
            return LowCardinality(inner.inner if isinstance(inner, Nullable) else inner)
        case _:
            raise UnsupportedTypeError(type_name)


def _unnamed(element: str) -> str:
    """``a String`` -> ``String``."""
    return _NAMED.sub("", element, count=1)


def _split(arguments: str) -> list[str]:
    """Split at the commas that are outside parentheses and quotes."""
    parts, depth = [""], 0
    for piece in _TOKEN.findall(arguments):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]
