"""What `docs/how-to/campaigns.md` promises is so."""

import re

import pytest

from infra.playbook.playbook_file import parse_playbook
from streams.campaigns.uplift import (
    MIN_CUSTOMERS,
    MIN_EXPECTED,
    MIN_RELATIVE,
    customers_needed,
)
from tests.harness.paths import DOCS

TEXT = (DOCS / "how-to" / "campaigns.md").read_text(encoding="utf-8")


def test_the_playbook_is_in_order_and_half_are_held_out() -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    campaign = parse_playbook(written, "docs/how-to/campaigns.md").campaigns["first-hat"]
    assert campaign.holdout == 0.5


ROWS = re.findall(r"^\| (\d+)% \| (\d+)% \| ([\d,]+) \| ([\d,]+) \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("row", ROWS)
def test_the_customers_to_plan_for_are_those_the_verdict_asks_for(row: tuple[str, ...]) -> None:
    base, holdout, any_time, once = (float(cell.replace(",", "")) for cell in row)
    assert customers_needed(base / 100, holdout / 100, "any") == any_time
    assert customers_needed(base / 100, holdout / 100, "one") == once


def test_an_effect_twice_as_large_needs_about_a_quarter_of_the_customers() -> None:
    ratio = customers_needed(0.1, 0.1, "one", 0.4) / customers_needed(0.1, 0.1, "one", 0.2)
    assert ratio == pytest.approx(0.25, abs=0.04)


def test_the_guard_is_the_one_that_is_described() -> None:
    assert f"fewer than {MIN_CUSTOMERS} customers" in TEXT
    assert f"fewer than {MIN_EXPECTED:.0f} conversions" in TEXT
    assert f"`--least`, {MIN_RELATIVE}: a fifth" in TEXT
    assert len(ROWS) == 8
