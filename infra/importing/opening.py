"""Opens a file as people have it: packed, a spreadsheet, in UTF-16, with the line ends of old.

What the reader of lines cannot read as it lies is unpacked into a temporary file in UTF-8 first, so
that it can go on in the middle of it.
"""

import csv
import gzip
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

import msgspec

HEAD = 64 * 1024
"""Bytes that are looked at to tell what a file is."""

MAX_STRINGS = 512 * 1024 * 1024
"""Bytes of the shared texts of a spreadsheet, which are read into memory."""

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_WIDE = ("utf-16", "utf16", "utf-32", "utf32", "ucs-2", "u16", "u32")
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an Excel file of old (.xls); save it as .xlsx or CSV"),
    (b"%PDF", "a PDF; export the data as CSV"),
    (b"PAR1", "a Parquet file; export it as CSV or NDJSON"),
    (b"SQLite format 3", "a SQLite database; export a table as CSV"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"BZh", "packed with bzip2; unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "packed with xz; unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it, or pack it with gzip"),
    (b"{\\rtf", "a text document (RTF); export the data as CSV"),
)  # fmt: skip
_PAGES = (b"<!doctype html", b"<html")


class FileError(Exception):
    """The file cannot be read; the text says why."""


class Opened(msgspec.Struct):
    """A file ready to be read line by line."""

    file: IO[bytes]
    """Seekable, unpacked."""
    packed: IO[bytes]
    """What the progress is measured on."""
    size: int
    """Bytes of `packed`."""
    encoding: str | None = None
    """UTF-8 where it was converted, else None: that of the mapping."""
    delimiter: str | None = None
    """Of what was a spreadsheet."""


def open_file(path: Path, encoding: str) -> Opened:
    """The file, unpacked and converted where it needs it. Raises `FileError`."""
    try:
        packed = path.open("rb")
        head = packed.read(HEAD)
        packed.seek(0)
        if head.startswith(_GZIP):
            unpacked = io.BufferedReader(gzip.GzipFile(fileobj=packed), 1 << 18)
            return _as_text(path, unpacked, packed, encoding)
        if head.startswith(_ZIP):
            return _of_zip(path, packed, encoding)
        return _as_text(path, packed, packed, encoding)
    except (OSError, EOFError, zipfile.BadZipFile) as problem:
        said = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise FileError(f"{path} cannot be read: {said}") from None


def _as_text(path: Path, file: IO[bytes], packed: IO[bytes], encoding: str) -> Opened:
    """The lines of a file that may be in UTF-16, or have no line feed."""
    head = file.read(HEAD)
    file.seek(0)
    bom = next((name for mark, name in _BOMS if head.startswith(mark)), None)
    wide = bom or (encoding if encoding.lower().startswith(_WIDE) else None)
    if wide is None:
        _refuse_wrong_kinds(path, head)
        if b"\n" in head or b"\r" not in head:
            return Opened(file, packed, path.stat().st_size)
    return _converted(lambda: _lines(path, file, wide or encoding))


def _lines(path: Path, file: IO[bytes], encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding=encoding, newline=None, errors="strict")
    try:
        yield from text
    except UnicodeError as problem:
        raise FileError(f"{path} is no {encoding}: {problem}; name it with --encoding") from None


def _of_zip(path: Path, packed: IO[bytes], encoding: str) -> Opened:
    archive = zipfile.ZipFile(packed)
    names = archive.namelist()
    if "xl/workbook.xml" in names:
        return _converted(lambda: _rows_of_sheet(path, packed, archive), delimiter=",")
    if any(name.startswith(("word/", "ppt/")) for name in names):
        raise FileError(f"{path} is a document of an office program; export the data as CSV")
    if "content.xml" in names and "mimetype" in names:
        raise FileError(f"{path} is an OpenDocument file (.ods); save it as .xlsx or CSV")
    files = [
        one for one in archive.infolist()
        if not one.is_dir() and not one.filename.startswith("__MACOSX/")
    ]  # fmt: skip
    if len(files) != 1:
        listed = ", ".join(one.filename for one in files[:5]) or "nothing"
        raise FileError(f"{path} holds {listed}; pack one file, or unpack it")
    return _as_text(path, archive.open(files[0]), packed, encoding)


def _rows_of_sheet(path: Path, packed: IO[bytes], archive: zipfile.ZipFile) -> Iterator[str]:
    """The first sheet of a spreadsheet as CSV."""
    # Only for spreadsheets: it takes a fifth of a second to load.
    import openpyxl  # noqa: PLC0415

    strings = next((i for i in archive.infolist() if i.filename == "xl/sharedStrings.xml"), None)
    if strings is not None and strings.file_size > MAX_STRINGS:
        raise FileError(f"{path} has too much text for a spreadsheet; save it as CSV")
    try:
        packed.seek(0)
        book = openpyxl.load_workbook(packed, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        line = io.StringIO()
        writer = csv.writer(line, lineterminator="\n")
        width = 0
        for row in sheet.iter_rows(values_only=True):
            cells = [_cell(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:  # as wide as the header: a sheet does not keep empty cells
                width = width or len(cells)
                cells += [""] * (width - len(cells))
            writer.writerow(cells)
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    except (KeyError, ValueError, IndexError, TypeError, zipfile.BadZipFile) as problem:
        raise FileError(f"{path} is a damaged spreadsheet: {problem}") from None


def _cell(value: Any) -> str:
    """The text of a cell: dates as ISO 8601, whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _converted(lines: Callable[[], Iterator[str]], delimiter: str | None = None) -> Opened:
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the records
    try:
        for line in lines():
            kept.write(line.encode("utf-8", "replace"))
    except BaseException:
        kept.close()
        raise
    size = kept.tell()
    kept.seek(0)
    return Opened(kept, kept, size, "utf-8", delimiter)


def _refuse_wrong_kinds(path: Path, head: bytes) -> None:
    for mark, kind in _KINDS:
        if head.startswith(mark):
            raise FileError(f"{path} is {kind}")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith(_PAGES):
        raise FileError(f"{path} is a web page; the download may have asked to sign in")
    if start.startswith(b"<?xml"):
        raise FileError(f"{path} is XML; export the data as CSV or NDJSON")
    if b"\x00" in head[:1024]:
        raise FileError(
            f"{path} is no text; if it is UTF-16, say --encoding utf-16-le or utf-16-be"
        )
