"""The table of consent in `docs/how-to/privacy.md` is what the fold makes of each statement."""

import json
import re

import pytest

from schemas.event import WireEvent
from streams.archive.rows import Place, event_columns
from streams.archive.tables import EVENT_COLUMNS
from tests.harness.histories import BEGIN, event, fold_all, shop
from tests.harness.paths import DOCS

PAGE = (DOCS / "how-to" / "privacy.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+)` \| (a yes|a no|a no, and a finding|no statement) \|$", PAGE, re.M)


def findings(stated: object) -> list[str]:
    told = json.dumps({"consent": {"email": stated}}).encode()
    one = WireEvent(message_id="m", type="identify", user_id="u1", occurred_at=BEGIN,
                    received_at=BEGIN, properties=told)  # type: ignore[arg-type]  # fmt: skip
    columns = event_columns([(Place("log", 0, 0), [one])], shop())
    found: list[str] = columns[EVENT_COLUMNS.index("findings")][0]
    return found


def test_the_table_is_there() -> None:
    assert len(ROWS) == 16


@pytest.mark.parametrize(("stated", "meaning"), ROWS)
def test_a_statement_is_what_the_table_says(stated: str, meaning: str) -> None:
    value = json.loads(stated)
    told = event("m", "identify", user_id="u1", properties={"consent": {"email": value}})
    consent = fold_all([told]).consent
    if meaning == "no statement":
        assert not consent
    else:
        assert consent["email"].value is (meaning == "a yes")
    assert ("unclear_consent" in findings(value)) is meaning.endswith("finding")
