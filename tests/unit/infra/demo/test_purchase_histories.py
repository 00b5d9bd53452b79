"""The replayed histories are the file's: every customer, transaction, date and dollar."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from infra.demo.purchase_histories import (
    history_file,
    order_items,
    read_histories,
)
from infra.demo.sender import MAX_ITEMS
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.fold.fold import fold
from streams.models.transitions import CountedTransitions


@pytest.fixture(scope="module")
def path() -> Path:
    found = history_file()
    assert found is not None
    return found


def lines(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text("ascii").splitlines()]


def test_customers_transactions_and_dollars_are_those_of_the_file(path: Path) -> None:
    rows = lines(path)
    items = [item for history in read_histories(path) for item in order_items(history)]
    assert Counter(item["userId"].removeprefix("cdnow-") for item in items) == Counter(
        row[0] for row in rows
    )
    assert len({item["messageId"] for item in items}) == len(rows)
    assert sum(round(item["properties"]["total"] * 100) for item in items) == sum(
        Decimal(row[4]) * 100 for row in rows
    )
    assert sum(item["properties"]["products"][0]["quantity"] for item in items) == sum(
        int(row[3]) for row in rows
    )


def test_the_published_cohort_is_there(path: Path) -> None:
    # Fader and Hardie: 2,357 customers who bought first in the first quarter of 1997.
    histories = read_histories(path)
    assert len(histories) == 2357
    firsts = [history.purchases[0].day.isoformat() for history in histories]
    assert firsts == sorted(firsts)
    assert firsts[0] >= "1997-01-01"
    assert firsts[-1] <= "1997-03-31"


def test_dates_are_kept_in_their_order(path: Path) -> None:
    days = Counter((row[0], row[2]) for row in lines(path))
    replayed: Counter[tuple[str, str]] = Counter()
    for history in read_histories(path):
        items = order_items(history)
        moments = [datetime.fromisoformat(item["timestamp"]) for item in items]
        assert moments == sorted(set(moments))
        replayed.update(
            (history.customer_id.removeprefix("cdnow-"), f"{moment.astimezone(UTC):%Y%m%d}")
            for moment in moments
        )
    assert replayed == days


def test_a_history_is_one_batch(path: Path) -> None:
    assert max(len(history.purchases) for history in read_histories(path)) <= MAX_ITEMS


def test_folded_they_give_each_customer_their_purchases_and_a_deadline(path: Path) -> None:
    playbook, models = read_playbook(SHIPPED_PLAYBOOK), Models(CountedTransitions({}, {}))
    now = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    history = max(read_histories(path), key=lambda found: len(found.purchases))
    profile: Profile | None = None
    for item in order_items(history):
        event = Event(
            message_id=item["messageId"],
            type="track",
            name=item["event"],
            user_id=item["userId"],
            occurred_at=int(datetime.fromisoformat(item["timestamp"]).timestamp() * 1000),
            received_at=now,
            properties=item["properties"],
        )
        profile = fold(profile, item["userId"], event, playbook, models).profile  # type: ignore[union-attr]
    assert profile is not None
    assert profile.lifecycle.purchases == len(history.purchases)
    assert profile.lifecycle.spend == {"USD": sum(bought.cents for bought in history.purchases)}
    assert profile.decisions.deadlines["leaving"] < now
    assert profile.dialogues.keys() == {"product/cd"}


def test_another_file_is_refused_with_its_line(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(" 00004 0001 19970101  2   29.33\n customer date\n", "ascii")
    with pytest.raises(ValueError, match=r"other\.txt:2: "):
        read_histories(other)
