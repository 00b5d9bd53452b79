"""Files as people have them: UTF-16, spreadsheets, packed, with odd lines before and after."""

import csv
import gzip
import io
import zipfile
from datetime import datetime
from pathlib import Path

import msgspec
import openpyxl
import pytest

from infra.importing.opening import FileError
from infra.importing.records import Record, Records
from infra.sources.mapping_file import MappingError, read_mapping
from schemas.mapping import EventRule, Mapping
from streams.mapping.mapping_items import Mapper, Unmapped
from tests.harness.paths import FIXTURES

CSV = Mapping(version=1, name="x", reads="csv", events=(EventRule(fields={}),))
SEMICOLON = msgspec.structs.replace(CSV, delimiter=";")
ROWS = [["id", "이름", "text"], ["1", "김", 'a "b"\nc'], ["2", "박", "€"]]
ITEMS = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
CASES = FIXTURES / "cases"


def written(rows: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


TEXT = written(ROWS)


def records(folder: Path, data: bytes, mapping: Mapping = CSV, name: str = "f.csv") -> list[Record]:
    path = folder / name
    path.write_bytes(data)
    opened = Records(path, mapping)
    try:
        return list(opened)
    finally:
        opened.close()


def items(folder: Path, data: bytes, mapping: Mapping = CSV) -> list[object]:
    found = records(folder, data, mapping)
    assert not [one.problem for one in found if one.problem]
    return [one.item for one in found if one.item is not None]


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-8-sig"), TEXT.encode("utf-16"), TEXT.encode("utf-32"),
        b"\xff\xfe" + TEXT.encode("utf-16-le"), b"\xfe\xff" + TEXT.encode("utf-16-be"),
        gzip.compress(TEXT.encode()), gzip.compress(TEXT.encode("utf-16")),
        zipped(**{"f.csv": TEXT.encode()}), zipped(**{"a/f.csv": TEXT.encode("utf-16")}),
        zipped(**{"f.csv": TEXT.encode(), "__MACOSX/._f.csv": b"x"}),
        b"\r\n \r\n" + TEXT.encode(), b",,,\n" + TEXT.encode(), b"sep=,\r\n" + TEXT.encode(),
        b"\xef\xbb\xbf\n" + TEXT.encode(), TEXT.encode() + b"\n\n", TEXT.encode() + b",,\n",
    ],
    ids=[
        "utf-8 with mark", "utf-16", "utf-32", "utf-16-le with mark", "utf-16-be with mark",
        "gzip", "gzip of utf-16", "zip", "zip of utf-16", "zip of a Mac",
        "blank lines first", "empty row first", "sep=", "mark and blank line",
        "blank lines last", "empty row last",
    ],
)  # fmt: skip
def test_the_same_rows_whatever_they_are_wrapped_in(tmp_path: Path, data: bytes) -> None:
    found = [one for one in items(tmp_path, data) if one != {"id": "", "이름": "", "text": ""}]
    assert [{k: v.replace("\r\n", "\n") for k, v in one.items()} for one in found] == ITEMS  # type: ignore[attr-defined]


def test_the_line_ends_of_old(tmp_path: Path) -> None:
    assert items(tmp_path, b"id,name\r1,a\r2,b\r") == [
        {"id": "1", "name": "a"}, {"id": "2", "name": "b"}
    ]  # fmt: skip


def test_the_separator_that_excel_understands(tmp_path: Path) -> None:
    for data in (b"sep=;\n", b'"sep=;"\r\n', b"SEP=;\n"):
        assert items(tmp_path, data + b"id;name\n1;a\n") == [{"id": "1", "name": "a"}]


def test_utf_16_without_a_mark_needs_its_name(tmp_path: Path) -> None:
    data = TEXT.encode("utf-16-le")
    named = msgspec.structs.replace(CSV, encoding="utf-16-le")
    assert len(items(tmp_path, data, named)) == 2
    with pytest.raises(FileError, match="say --encoding utf-16-le"):
        records(tmp_path, data)


def test_separators_at_the_end_of_lines(tmp_path: Path) -> None:
    assert items(tmp_path, b"id;name;;\n1;a;;\n2;b\n3;c;;;;\n", SEMICOLON) == [
        {"id": "1", "name": "a"}, {"id": "2", "name": "b"}, {"id": "3", "name": "c"}
    ]  # fmt: skip
    (wrong,) = records(tmp_path, b"id;name;;\n1;a;;x\n", SEMICOLON)
    assert wrong.problem == "has 4 columns, not 2"


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    one, two = records(tmp_path, b"\n\nsep=,\nid,name\n1,a\n2,b\n")
    assert (one.line, two.line) == (5, 6)


def sheet(folder: Path, rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("other").append(["nothing"])
    path = folder / "made.xlsx"
    book.save(path)
    return path.read_bytes()


def test_a_spreadsheet_is_its_first_sheet(tmp_path: Path) -> None:
    data = sheet(tmp_path, [["id", "total", "when", "ok"],
                            [7, 12.5, datetime(2026, 1, 15, 12), True], [8, None, None, False],
                            ["x", 3.0]])  # fmt: skip
    found = items(tmp_path, data, SEMICOLON)
    assert found == [
        {"id": "7", "total": "12.5", "when": "2026-01-15 12:00:00", "ok": "true"},
        {"id": "8", "total": "", "when": "", "ok": "false"},
        {"id": "x", "total": "3", "when": "", "ok": ""},
    ]


def test_a_short_row_of_a_spreadsheet_is_a_row(tmp_path: Path) -> None:
    data = sheet(tmp_path, [["id", "a", "b"], ["1", "x"], ["2"]])
    assert items(tmp_path, data) == [
        {"id": "1", "a": "x", "b": ""}, {"id": "2", "a": "", "b": ""}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "Excel file of old"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PAR1" + b"\x00" * 20, "Parquet"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"\x89PNG\r\n", "picture"),
        (b"BZh91AY", "bzip2"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b'<?xml version="1.0"?>', "XML"),
        (zipped(**{"a.csv": b"a\n", "b.csv": b"b\n"}), "a.csv, b.csv"),
        (zipped(), "holds nothing"),
        (zipped(**{"word/document.xml": b""}), "office program"),
        (b"PK\x03\x04broken", "cannot be read"),
        (zipped(**{"xl/workbook.xml": b"<x/>"}), "damaged spreadsheet"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (b"id\x00name", "no text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_kind_of_file_is_named_for_what_it_is(
    tmp_path: Path, data: bytes, says: str
) -> None:
    with pytest.raises(FileError, match=says):
        records(tmp_path, data)


def test_a_column_that_is_there_twice_must_be_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,amount,amount\n1,2,3\n")
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "version: 1\nname: m\nreads: csv\nevents:\n- type: track\n  fields:\n"
        "    user_id: item.id\n    event: item.amount\n"
    )
    found = read_mapping(mapping)
    opened = Records(path, found.mapping.source)
    assert list(opened.columns) == ["id", "amount", "amount 2"]
    with pytest.raises(MappingError, match="two columns 'amount'"):
        found.check_columns(opened.columns, opened.ambiguous)
    mapping.write_text(mapping.read_text().replace("event: item.amount", "event: item.id"))
    read_mapping(mapping).check_columns(opened.columns, opened.ambiguous)
    opened.close()


def totals(case: str, mapping: str) -> list[object]:
    """What the mapping makes of each line's amount; the refusal where it is none."""
    found = read_mapping(CASES / mapping)
    mapper = Mapper(found.mapping)
    opened = Records(CASES / case, found.mapping.source)
    found.check_columns(opened.columns, opened.ambiguous)
    said: list[object] = []
    for record in opened:
        if record.item is None:
            continue
        try:
            (event,) = mapper.events(record.item)
            said.append(msgspec.json.decode(event.body)["properties"]["total"])
        except Unmapped as problem:
            said.append(problem.detail)
    opened.close()
    return said


@pytest.mark.parametrize("case", ["01-number-comma-decimals", "10-utf16", "11-blank-first-line"])
def test_amounts_of_the_reported_files(case: str) -> None:
    mapping = "10-utf16.yaml" if case.startswith("10") else "01-number-comma-decimals.yaml"
    assert totals(f"{case}.csv", mapping) == [
        1234.5, 49.9, 1234.5, -1234.5, 500, -20, 1234.5, 1234.5, -20, 120000
    ]  # fmt: skip


def test_dates_of_the_reported_file() -> None:
    found = read_mapping(CASES / "12-dates-without-format.yaml")
    mapper = Mapper(found.mapping)
    opened = Records(CASES / "12-dates-without-format.csv", found.mapping.source)
    said: dict[str, str] = {}
    for record in opened:
        try:
            (event,) = mapper.events(record.item)
            said[record.item["id"]] = msgspec.json.decode(event.body)["timestamp"]
        except Unmapped as problem:
            said[record.item["id"]] = "refused" if "parse_time" in problem.detail else "?"
    opened.close()
    noon, midnight = "2026-01-15T03:00:00Z", "2026-01-14T15:00:00Z"
    assert said == {
        "i4-d1": "refused", "i4-d2": "refused", "i4-d3": midnight, "i4-d4": noon, "i4-d5": noon,
        "i4-d6": midnight, "i4-d7": noon, "i4-d8": "refused",
        "i4-d9": "2026-01-15T12:00:00.123000Z", "i4-d10": noon, "i4-d11": "refused",
        "i4-d12": noon, "i4-d13": "2026-01-15T15:00:00Z", "i4-d14": noon, "i4-d15": "refused",
    }  # fmt: skip
