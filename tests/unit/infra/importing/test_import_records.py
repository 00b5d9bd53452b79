"""Files as they are found: encodings, quotes, gzip, and going on in the middle."""

import csv
import gzip
import io
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.importing.opening import FileError
from infra.importing.records import MAX_LINES, Record, Records
from schemas.mapping import EventRule, Mapping

CSV = Mapping(version=1, name="x", reads="csv", events=(EventRule(fields={}),))
CP949 = msgspec.structs.replace(CSV, encoding="cp949")


def records(folder: Path, data: bytes, mapping: Mapping = CSV) -> list[Record]:
    path = folder / "file.csv"
    path.write_bytes(data)
    opened = Records(path, mapping)
    try:
        return list(opened)
    finally:
        opened.close()


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    [found] = records(tmp_path, b"\xef\xbb\xbfid;name\r\n1;\xea\xb9\x80\r\n",
                      msgspec.structs.replace(CSV, delimiter=";"))  # fmt: skip
    assert found.item == {"id": "1", "name": "김"}
    assert found.line == 2


def test_a_header_in_another_encoding_is_told_with_what_to_say(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"is no utf-8: .*; name its own with --encoding"):
        records(tmp_path, "번호,이름\n1,김\n".encode("cp949"))


def test_what_does_not_decode_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    data = "id,name\n1,김\n".encode("cp949") + b"2,\xff\n" + "3,박\n".encode("cp949")
    one, two, three = records(tmp_path, data, CP949)
    assert (one.item, three.item) == ({"id": "1", "name": "김"}, {"id": "3", "name": "박"})
    assert (two.line, two.raw) == (3, b"2,\xff\n")
    assert two.problem == "is no cp949: byte 0xff in column 3"


def test_texts_in_quotes_have_line_breaks(tmp_path: Path) -> None:
    data = b'id,text\n1,"a\nb ""c"",\n\nd"\n\n2,e\n'
    one, empty, two = records(tmp_path, data)
    assert one.item == {"id": "1", "text": 'a\nb "c",\n\nd'}
    assert one.raw == b'1,"a\nb ""c"",\n\nd"\n'
    assert empty.item is None
    assert empty.problem is None
    assert (two.line, two.item) == (7, {"id": "2", "text": "e"})


def test_a_quote_that_is_never_closed_costs_one_line(tmp_path: Path) -> None:
    data = b'id,text\n1,"open\n' + b"".join(b"%d,x\n" % n for n in range(2, MAX_LINES + 50))
    found = records(tmp_path, data)
    assert [one.line for one in found if one.problem] == [2]
    assert len(found) == MAX_LINES + 49


def test_columns_of_the_mapping_stand_for_a_header(tmp_path: Path) -> None:
    mapping = msgspec.structs.replace(CSV, columns=("a", "b"))
    full, short, long = records(tmp_path, b"1,2\n3\n4,5,6\n", mapping)
    assert (full.item, short.item) == ({"a": "1", "b": "2"}, {"a": "3"})
    assert long.problem == "has 3 columns, not 2"


@pytest.mark.parametrize("data", [b"", b"\n\n", b'"a\n', b"\x1f\x8bbroken"])
def test_a_file_without_a_usable_header_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FileError):
        records(tmp_path, data)


ROWS = st.lists(
    st.tuples(
        st.text(st.sampled_from('ab,"\n ;가'), min_size=1, max_size=8), st.text("xy,\n", max_size=4)
    ),
    max_size=12,
)


@given(rows=ROWS, cut=st.integers(0, 12), packed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_going_on_after_any_record_gives_the_rest(
    tmp_path: Path, rows: list[tuple[str, str]], cut: int, packed: bool
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("one", "two"), *rows])
    data = text.getvalue().encode("cp949")
    path = tmp_path / "file.csv"
    path.write_bytes(gzip.compress(data) if packed else data)
    whole = Records(path, CP949)
    found = list(whole)
    assert [(one.item["one"], one.item["two"]) for one in found] == rows
    assert b"".join(one.raw for one in found) == data.split(b"\r\n", 1)[1]
    again = Records(path, CP949)
    assert again.identity == whole.identity
    if found[:cut]:
        again.go_to(found[:cut][-1].end, found[:cut][-1].next_line)
    assert list(again) == found[len(found[:cut]) :]
    whole.close()
    again.close()
