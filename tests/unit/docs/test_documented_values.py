"""The tables of numbers and times in `docs/how-to/sources.md` are what the functions give."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streams.mapping.functions import functions
from tests.harness.paths import DOCS

PAGE = (DOCS / "how-to" / "sources.md").read_text(encoding="utf-8")
FUNCTIONS = functions("KR", "Asia/Seoul", {"Asia/Seoul": ZoneInfo("Asia/Seoul")})


def rows(head: str) -> list[tuple[str, str]]:
    table = PAGE.partition(f"| {head}")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(.+)` \| (\S+) \|$", table, re.MULTILINE)


def test_the_tables_are_there() -> None:
    assert len(rows("`number(…)`")) == 12
    assert len(rows("`parse_time(…)`")) == 11


@pytest.mark.parametrize(("text", "gives"), rows("`number(…)`"))
def test_a_number_is_what_the_table_says(text: str, gives: str) -> None:
    if gives == "refused":
        with pytest.raises(ValueError, match=r"is no number"):
            FUNCTIONS["number"](text)
    else:
        assert FUNCTIONS["number"](text) == float(gives)


@pytest.mark.parametrize(("text", "gives"), rows("`parse_time(…)`"))
def test_a_time_is_what_the_table_says(text: str, gives: str) -> None:
    if gives == "refused":
        with pytest.raises(ValueError, match=r"time"):
            FUNCTIONS["parse_time"](text)
    else:
        at = datetime.fromtimestamp(FUNCTIONS["parse_time"](text) / 1000, UTC)
        assert at.isoformat().removesuffix("+00:00") == gives
