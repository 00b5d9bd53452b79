"""The table of `docs/explanation/ids.md` is what the product does."""

import re

import pytest

from streams.identity.fan_in import MAX_OTHERS, WINDOW
from streams.identity.profile_key import usable_id
from tests.harness.paths import DOCS

PAGE = (DOCS / "explanation" / "ids.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+?)` \| (?:`(.+)`|(nobody)) \|$", PAGE, re.MULTILINE)


def test_the_table_is_there() -> None:
    assert len(ROWS) == 15
    assert "more than five customers use within a day" in PAGE
    assert (MAX_OTHERS + 1, WINDOW) == (5, 86_400_000)


@pytest.mark.parametrize(("sent", "kept", "nobody"), ROWS)
def test_an_id_is_what_the_table_says(sent: str, kept: str, nobody: str) -> None:
    assert usable_id(sent) == (None if nobody else kept)
