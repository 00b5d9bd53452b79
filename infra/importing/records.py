"""Reads the records of a file with line number and original bytes."""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from xxhash import xxh3_128_hexdigest

from infra.importing.opening import FileError, open_file
from schemas.mapping import Mapping
from streams.mapping.payloads import read_json

MAX_LINE_LENGTH = 1024 * 1024
"""Bytes."""
MAX_LINES = 1_000
"""Maximum of lines of one record: quoted texts have line breaks, but an unclosed quote would
swallow the file."""
_IDENTITY = 64 * 1024
_SEPARATOR = re.compile(rb'"?sep=([^"]?)"?', re.IGNORECASE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
        opened = open_file(path, mapping.encoding)
        changes = {"encoding": opened.encoding, "delimiter": opened.delimiter}
        mapping = replace(mapping, **{name: one for name, one in changes.items() if one})
        self._mapping = mapping
        self._packed = opened.packed
        self.packed_size = opened.size
        self._file = opened.file
        try:
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
        self.ambiguous: frozenset[str] = frozenset()
        """Names that the header gives to several columns; the second one is called `NAME 2`."""
        self._begin(head)

    def _begin(self, head: bytes) -> None:
        if head.startswith(_BYTE_ORDER_MARK):
            self._file.seek(len(_BYTE_ORDER_MARK))
            self._offset = len(_BYTE_ORDER_MARK)
        if self._mapping.reads != "csv":
            return
        self._skip_preface()
        if self.columns:
            return
        header = next(self._csv(None), None)
        if header is None or header.problem is not None:
            said = (header.problem if header is not None else None) or "it is empty"
            if said.startswith(f"is no {self._mapping.encoding}"):
                said += "; name its own with --encoding, such as cp949"
            raise FileError(f"the header line cannot be read: {said}")
        names = [name.strip() for name in header.item]
        while names and not names[-1]:  # separators at the end of the line
            names.pop()
        if not names:
            raise FileError("the header line is empty; name the columns in the mapping (`columns`)")
        self.ambiguous = frozenset(name for name, n in Counter(names).items() if n > 1 and name)
        self.columns = _told_apart(names)

    def _skip_preface(self) -> None:
        """Blank lines before the header, and the `sep=;` that Excel understands."""
        while line := self._next_line():
            text = line.strip().strip(b"\x00")
            named = _SEPARATOR.fullmatch(text)
            if named is not None:
                mark = named[1].decode("ascii", "replace")
                self._mapping = replace(self._mapping, delimiter=mark or "\t")
            elif text.strip(self._mapping.delimiter.encode()):
                self._waiting.appendleft(line)
                return
            self._line += 1
            self._offset += len(line)

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
            elif len(row) > len(columns) and not any(row[len(columns) :]):
                # Separators at the end of the line.
                yield self._record(lines, dict(zip(columns, row, strict=False)), None)
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


def _told_apart(names: list[str]) -> list[str]:
    """The names of the columns; the second of two alike is called `NAME 2`, one without a name by
    its place."""
    found: list[str] = []
    for place, name in enumerate(names, 1):
        given = name or f"column {place}"
        wanted, number = given, 2
        while wanted in found:
            wanted, number = f"{given} {number}", number + 1
        found.append(wanted)
    return found


def _undecodable(wrong: UnicodeDecodeError) -> str:
    byte = wrong.object[wrong.start]
    return f"is no {wrong.encoding}: byte 0x{byte:02x} in column {wrong.start + 1}"
