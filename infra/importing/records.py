"""Reads the records of a file with line number and original bytes."""

import csv
import gzip
import io
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
from xxhash import xxh3_128_hexdigest

from schemas.mapping import Mapping
from streams.mapping.payloads import read_json

MAX_LINE_LENGTH = 1024 * 1024
"""Bytes."""
MAX_LINES = 1_000
"""Maximum of lines of one record: quoted texts have line breaks, but an unclosed quote would
swallow the file."""
_IDENTITY = 64 * 1024
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class FileError(Exception):
    """The file cannot be read; the text says why."""


class Record(msgspec.Struct, frozen=True):
    """One item, or why these lines are invalid."""

    line: int
    """The number of its first line, from 1."""
    raw: bytes
    """Its original lines."""
    end: int
    """Bytes (unpacked) before the next record."""
    next_line: int
    item: Any = None
    problem: str | None = None


class Records:
    """The records of one file."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        """Raises `FileError` where it cannot be opened."""
        self._mapping = mapping
        try:
            self._packed = path.open("rb")
            self.packed_size = path.stat().st_size
            zipped = self._packed.read(2) == _GZIP
            self._packed.seek(0)
            self._file: IO[bytes] = self._packed
            if zipped:
                unpacked = gzip.GzipFile(fileobj=self._packed)
                self._file = io.BufferedReader(unpacked, 1 << 18)
            self._head = head = self._file.read(_IDENTITY)
            self._file.seek(0)
        except (OSError, EOFError) as problem:
            said = (problem.strerror if isinstance(problem, OSError) else None) or problem
            raise FileError(f"{path} cannot be read: {said}") from None
        self.head_size = len(head)
        self.identity = self.identity_of(len(head))
        """Identity of the content, independent of name and compression."""
        self._waiting: deque[bytes] = deque()
        self._offset = 0
        self._line = 1
        self.columns: Sequence[str] = mapping.columns
        self._begin(head)

    def _begin(self, head: bytes) -> None:
        if head.startswith(_BYTE_ORDER_MARK):
            self._file.seek(len(_BYTE_ORDER_MARK))
            self._offset = len(_BYTE_ORDER_MARK)
        if self._mapping.reads != "csv" or self.columns:
            return
        header = next(self._csv(None), None)
        if header is None or header.problem is not None:
            said = (header.problem if header is not None else None) or "it is empty"
            if said.startswith(f"is no {self._mapping.encoding}"):
                said += "; name its own with --encoding, such as cp949"
            raise FileError(f"the header line cannot be read: {said}")
        self.columns = header.item
        if len(set(self.columns)) != len(self.columns):
            raise FileError("the header names a column twice; write `columns` in the mapping")

    def identity_of(self, head_size: int) -> str:
        """Hash of its first bytes: a file that has grown since has the same hash over its former
        length."""
        return xxh3_128_hexdigest(self._head[:head_size])

    def packed_position(self) -> int:
        """Bytes read of the file on disk, for the progress."""
        return self._packed.tell()

    def go_to(self, offset: int, line: int) -> None:
        """Resumes at this offset. Raises `FileError` where the file is shorter."""
        if self._file.seek(offset) != offset:
            raise FileError("the file has become shorter since it was imported in part")
        self._waiting.clear()
        self._offset, self._line = offset, line

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        self._packed.close()

    def __iter__(self) -> Iterator[Record]:
        if self._mapping.reads == "csv":
            return self._csv(self.columns)
        return self._json()

    def _next_line(self) -> bytes:
        if self._waiting:
            return self._waiting.popleft()
        try:
            return self._file.readline(MAX_LINE_LENGTH)
        except (OSError, EOFError) as problem:
            raise FileError(f"line {self._line}: the file is damaged: {problem}") from None

    def _record(self, lines: list[bytes], item: Any, problem: str | None) -> Record:
        line, raw = self._line, b"".join(lines)
        self._line += len(lines)
        self._offset += len(raw)
        return Record(line, raw, self._offset, self._line, item, problem)

    def _json(self) -> Iterator[Record]:
        while raw := self._next_line():
            problem, item = None, None
            try:
                text = raw.decode(self._mapping.encoding)
                item = read_json(text.encode("utf-8", "surrogatepass")) if text.strip() else None
            except UnicodeDecodeError as wrong:
                problem = _undecodable(wrong)
            except (ValueError, RecursionError) as wrong:
                problem = f"is no JSON: {wrong}"
            yield self._record([raw], item, problem)

    def _csv(self, columns: Sequence[str] | None) -> Iterator[Record]:
        """Records as objects of texts by column; None for an empty line. Without `columns` the
        fields of the header."""
        while True:
            lines: list[bytes] = []
            row, problem = self._row(lines)
            if not lines:
                return
            if problem is not None and len(lines) > 1:
                # A stray quote swallowed these lines: only the first is invalid.
                self._waiting.extendleft(reversed(lines[1:]))
                del lines[1:]
            if problem is not None or row is None or columns is None:
                yield self._record(lines, row, problem)
            elif len(row) == len(columns) or (self._mapping.columns and len(row) < len(columns)):
                yield self._record(lines, dict(zip(columns, row, strict=False)), None)
            else:
                said = f"has {len(row)} columns, not {len(columns)}"
                yield self._record(lines, None, said)

    def _row(self, lines: list[bytes]) -> tuple[list[str] | None, str | None]:
        """The fields of the next record (None for an empty line) and its mistake; its lines are
        appended to `lines`."""
        decoding: list[str] = []

        def texts() -> Iterator[str]:
            while raw := self._next_line():
                lines.append(raw)
                if len(lines) > MAX_LINES:
                    raise csv.Error(f"a quote is not closed within {MAX_LINES} lines")
                try:
                    yield raw.decode(self._mapping.encoding)
                except UnicodeDecodeError as wrong:
                    decoding.append(_undecodable(wrong))
                    return

        try:
            row = next(csv.reader(texts(), delimiter=self._mapping.delimiter, strict=True), None)
        except csv.Error as wrong:
            return None, decoding[0] if decoding else f"is no CSV: {wrong}"
        if decoding:
            return None, decoding[0]
        return row or None, None


def _undecodable(wrong: UnicodeDecodeError) -> str:
    byte = wrong.object[wrong.start]
    return f"is no {wrong.encoding}: byte 0x{byte:02x} in column {wrong.start + 1}"
