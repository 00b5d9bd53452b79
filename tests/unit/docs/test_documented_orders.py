"""The table of `docs/explanation/orders.md` is what the fold makes of it."""

import re

import pytest

from schemas.event import Event
from streams.views.customer_view import decimal_text
from tests.harness.histories import BEGIN, MINUTE, event, fold_all, shuffled
from tests.harness.paths import DOCS

PAGE = (DOCS / "explanation" / "orders.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(placed|refunded|cancelled)([^`]*)` \| (\d) \| ([^|]*)\|$", PAGE, re.M)
STEPS = {
    "placed": "Order Completed",
    "updated": "Order Updated",
    "refunded": "Order Refunded",
    "cancelled": "Order Cancelled",
}


def read(text: str) -> list[Event]:
    """`placed S-1 50 EUR, refunded S-1 20`, a minute apart."""
    history = []
    for number, told in enumerate(text.split(", ")):
        step, order_id, *money = told.split()
        properties = {"order_id": order_id, **dict(zip(("total", "currency"), money, strict=False))}
        history.append(
            event(f"m{number}", name=STEPS[step], user_id="u1", properties=properties,
                  occurred_at=BEGIN + number * MINUTE)
        )  # fmt: skip
    return history


def test_the_table_is_there() -> None:
    assert len(ROWS) == 14


@pytest.mark.parametrize(("first", "rest", "purchases", "spend"), ROWS)
def test_the_table_is_what_the_fold_says(first: str, rest: str, purchases: str, spend: str) -> None:
    history = read(first + rest)
    for told in (history, history[::-1], shuffled(history, 3)):
        life = fold_all(told).lifecycle
        assert life.purchases == int(purchases)
        said = ", ".join(f"{decimal_text(cents)} {paid}" for paid, cents in life.spend.items())
        assert said == spend.strip()
