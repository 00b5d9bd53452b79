"""A profile that is hotter than a person can be is counted, and nothing else notices."""

from functools import lru_cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.effect import Dropped, Folded
from schemas.event import Event
from schemas.models import ChurnModels
from schemas.profile import Profile
from streams.codec.codec import decode_profile, encode_profile
from streams.fold.batch import fold_batch
from streams.fold.fold import fold
from streams.fold.hot_profiles import HOT_RING, LIVE, MAX_A_MINUTE
from streams.fold.merging import merge_profiles
from streams.models.learned import Learned
from streams.profile.message_ids import ENTRY
from streams.views.customer_view import customer_view
from tests.harness.histories import (
    BEGIN,
    MINUTE,
    MODELS,
    event,
    fold_all,
    histories,
    law,
    seeds,
    shop,
    shuffled,
)

START = BEGIN // MINUTE * MINUTE
"""The beginning of a minute."""


def view(index: int, at: int, **more: object) -> Event:
    """A product view, received as it happens."""
    about = {"category": f"c{index % 7}"}
    return event(f"v{index}", name="Product Viewed", properties=about, occurred_at=at, **more)


def burst(count: int, first: int = 0, at: int = START) -> list[Event]:
    """So many views within fifty seconds from `at` (milliseconds)."""
    return [view(first + n, at + n % 1000 * 50, anonymous_id="u1") for n in range(count)]


@lru_cache
def nearly_hot() -> Profile:
    """A profile with five events left of its minute's share."""
    return fold_all(burst(MAX_A_MINUTE - 5))


def figures(profile: Profile) -> tuple[object, ...]:
    """What the promise speaks of: full, in summary, all, first, last."""
    life = profile.lifecycle
    full = profile.quiet_dialogues + sum(
        span.count for dialogue in profile.dialogues.values() for span in dialogue.stages.values()
    )
    return full, profile.hot, life.events, life.first_seen, life.last_seen


@law
@given(st.integers(0, 40), seeds)
def test_how_many_are_counted_only_depends_on_no_order(count: int, seed: int) -> None:
    more = burst(count, first=MAX_A_MINUTE)
    cut = seed % (count + 1)
    mixed = shuffled(more, seed)
    one = fold_all(more, profile=nearly_hot())
    stored = decode_profile(encode_profile(fold_all(mixed[:cut], profile=nearly_hot())))
    other = fold_all(mixed[cut:], profile=stored)
    assert figures(one)[:1] == figures(other)[:1] == (min(MAX_A_MINUTE, MAX_A_MINUTE - 5 + count),)
    assert figures(one)[2:] == figures(other)[2:]
    assert (one.hot.count if one.hot else 0) == max(0, count - 5)
    assert (other.hot.count if other.hot else 0) == max(0, count - 5)
    assert one.lifecycle.events == MAX_A_MINUTE - 5 + count


@law
@given(histories(), seeds)
def test_nobody_else_is_ever_hot(history: list[Event], seed: int) -> None:
    profile = fold_all(history)
    assert profile.hot is None
    assert len(profile.recent) < HOT_RING // 10


@law
@given(st.integers(0, 20), st.integers(0, 20))
def test_what_two_profiles_counted_adds_up(left: int, right: int) -> None:
    one = fold_all(burst(left, first=5000), profile=nearly_hot())
    other = fold_all(burst(right, first=6000), profile=nearly_hot())
    merged, back = merge_profiles(one, other), merge_profiles(other, one)
    assert merged.hot == back.hot
    assert (merged.hot.count if merged.hot else 0) == max(0, left - 5) + max(0, right - 5)


def test_a_minute_later_everything_is_folded_again() -> None:
    hot = fold_all(burst(MAX_A_MINUTE + 50))
    later = fold_all([view(9999, START + MINUTE, anonymous_id="u1")], profile=hot)
    assert later.hot == hot.hot
    assert figures(later)[0] == MAX_A_MINUTE + 1


def test_in_summary_nothing_fires_and_the_ring_stays() -> None:
    hot = fold_all(burst(MAX_A_MINUTE))
    added = event("add", name="Product Added", properties={"category": "new"}, occurred_at=START)
    batch = fold_batch([("u1", added)], {"u1": hot}, Learned(), shop(), ChurnModels())
    after = batch.profiles["u1"]
    assert (batch.folded, batch.summarised) == (1, 1)
    assert not (batch.triggers or batch.deadlines or batch.counted or batch.sends)
    assert (after.dialogues, after.recent) == (hot.dialogues, hot.recent)


def test_a_whole_batch_and_its_retry_count_once_and_in_full() -> None:
    for size in (1000, 2500):
        batch = burst(size)
        profile = fold_all(batch)
        live = [view(10_000 + n, START + 55_000, anonymous_id="u1") for n in range(100)]
        profile = fold_all(live, profile=profile)
        retry = [event(e.message_id, name=e.name, properties=e.properties, anonymous_id="u1",
                       occurred_at=e.occurred_at, received_at=START + 59_000)
                 for e in batch]  # fmt: skip
        assert fold_all(retry, profile=profile) == profile
        assert figures(profile)[:3] == (size + 100, None, size + 100)


def test_a_copy_of_what_was_folded_in_full_is_dropped_while_hot() -> None:
    events = burst(MAX_A_MINUTE)
    hot = fold_all(events)
    for copy in Random(1).sample(events, 60):
        assert fold(hot, "u1", copy, shop(), MODELS) == Dropped("duplicate")


def test_imported_history_is_no_rate() -> None:
    past = [
        event(f"h{n}", name="Order Completed", properties={"category": "cd", "total": 1},
              anonymous_id="u1", occurred_at=START - LIVE - n * MINUTE, received_at=START)
        for n in range(MAX_A_MINUTE + 20)
    ]  # fmt: skip
    profile = fold_all(past)
    assert profile.hot is None
    assert profile.lifecycle.purchases == MAX_A_MINUTE + 20


@pytest.mark.parametrize(
    "said",
    [
        event("x", "identify", properties={"consent": False}, occurred_at=START),
        event("x", name="Unsubscribed", occurred_at=START),
        event("x", "identify", properties={"plan": "gold"}, occurred_at=START),
        event("x", "contact", name="complaint.opened", channel="call", occurred_at=START),
        event("x", name="Product Viewed", user_id="u1", anonymous_id="a1", occurred_at=START),
        event("x", "alias", user_id="u1", previous_id="u0", occurred_at=START),
    ],
    ids=lambda said: f"{said.type} {said.name}",
)
def test_what_a_customer_says_is_heard_while_hot(said: Event) -> None:
    hot = fold_all(burst(MAX_A_MINUTE + 1))
    outcome = fold(hot, "u1", said, shop(), MODELS)
    assert isinstance(outcome, Folded)
    assert outcome.profile.hot == hot.hot
    assert len(outcome.profile.recent) == len(hot.recent) + ENTRY


def test_the_view_says_so() -> None:
    hot = fold_all(burst(MAX_A_MINUTE + 7))
    shown = customer_view(hot, shop(), MODELS, START)["hot"]
    assert shown["events"] == 7
    assert shown["first_at"] <= shown["last_at"]
    assert customer_view(fold_all(burst(3)), shop(), MODELS, START)["hot"] is None
