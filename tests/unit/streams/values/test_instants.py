"""Times in texts and numbers: the right instant, or a refusal that says why."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.values.instants import epoch_ms, parse_instant, spreadsheet_time
from tests.harness.histories import law

SEOUL = ZoneInfo("Asia/Seoul")
NOON = "2026-01-15T03:00:00"
MIDNIGHT = "2026-01-14T15:00:00"
READ = [
    ("2026-01-15", MIDNIGHT), ("20260115", MIDNIGHT), ("2026/01/15", MIDNIGHT),
    ("2026.1.15", MIDNIGHT), ("2026-01-14 24:00:00", MIDNIGHT), ("2026-01-15 12:00", NOON),
    ("2026-01-15 12:00:00 +0900", NOON), ("2026-01-15T03:00:00Z", NOON),
    ("2026-01-15T03:00:00.1234567Z", "2026-01-15T03:00:00.123000"), ("20260115 120000", NOON),
    ("20260115120000", NOON), ("202601151200", NOON), ("1768446000", NOON),
    ("1768446000.000000", NOON), ("1768446000000", NOON), ("1768446000000000", NOON),
    ("1768446000000000000", NOON), ("Thu, 15 Jan 2026 03:00:00 +0000", NOON),
    ("2026/01/15 12:00", NOON), ("  2026-01-15   12:00 ", NOON),
]  # fmt: skip
REFUSED = [
    "45672", "45672.5", "1/15/26 12:00", "15.01.2026", "01/02/2026", "1.768446E+12", "00:00.0",
    "12:00", "0", "-1", "", " ", "now", "2026-02-30", "20261315", "20260230", "0001-01-01",
    "1899-12-30", "2999-01-01", "1970-01-01", "99991231", "1", "x" * 100, "2026",
]  # fmt: skip


@pytest.mark.parametrize(("text", "instant"), READ)
def test_what_can_mean_one_moment_is_read(text: str, instant: str) -> None:
    at = datetime.fromtimestamp(parse_instant(text, SEOUL) / 1000, UTC)
    assert at.isoformat().removesuffix("+00:00") == instant


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_none_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text, SEOUL)


def test_a_serial_date_of_a_spreadsheet_is_a_wall_clock() -> None:
    at = datetime.fromtimestamp(spreadsheet_time(46037.5, SEOUL) / 1000, UTC)
    assert at.isoformat() == "2026-01-15T03:00:00+00:00"
    for days in (0, -1, 1e9, float("nan"), 80_000):
        with pytest.raises(ValueError, match=r"."):
            spreadsheet_time(days, SEOUL)


@law
@given(st.integers(631_152_000, 4_102_444_799))
def test_the_magnitude_of_a_number_says_its_unit(seconds: int) -> None:
    for factor in (1, 10**3, 10**6, 10**9):
        assert epoch_ms(seconds * factor) == seconds * 1000


@law
@given(st.text(max_size=20) | st.floats().map(str))
def test_anything_is_a_moment_or_a_refusal(text: str) -> None:
    with suppress(ValueError):
        parse_instant(text, SEOUL)
