"""The days customers came on: exact sets of fixed size, and what silence means for each rhythm."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from schemas.profile import Lifecycle
from streams.fold.merging import merge_lifecycles
from streams.models import rhythm
from streams.models.rhythm import sharp_fall, silence_chance, silence_deadline
from streams.profile import active_days
from streams.profile.active_days import add_active_day
from streams.profile.lifecycle import update_lifecycle
from streams.values.purchase_days import MAX_DAYS, add_day, are_days, count_days, unite_days
from tests.harness.histories import BEGIN, DAY, event, law

TODAY = BEGIN // DAY

offsets = st.lists(st.integers(0, 400), max_size=80)


def life_of(days: list[int]) -> Lifecycle:
    """Somebody active on the given days after the beginning."""
    life = Lifecycle()
    for number, day in enumerate(days):
        life = update_lifecycle(life, event(f"m{number}", occurred_at=BEGIN + day * DAY))
    return life


@law
@given(offsets, st.randoms(use_true_random=False))
def test_active_days_do_not_depend_on_order_or_grouping(days: list[int], random: object) -> None:
    whole = life_of(days)
    assert life_of(sorted(days)) == whole
    half = len(days) // 3
    assert merge_lifecycles(life_of(days[:half]), life_of(days[half:])) == whole
    assert merge_lifecycles(life_of(days[half:]), life_of(days[:half])) == whole


@law
@given(offsets)
def test_the_window_is_the_set_of_the_days_in_it(days: list[int]) -> None:
    life = life_of(days)
    if not days:
        assert (life.active_day, life.active_days) == (0, 0)
        return
    assert life.active_day == TODAY + max(days)
    within = {max(days) - day for day in days if max(days) - day < active_days.WINDOW}
    assert {bit for bit in range(64) if life.active_days >> bit & 1} == within
    assert active_days.is_window(life)


@law
@given(st.lists(st.integers(0, 3 * MAX_DAYS), max_size=2 * MAX_DAYS))
def test_purchase_days_are_the_latest_of_their_set(days: list[int]) -> None:
    packed = b""
    for day in days:
        packed = add_day(packed, day * DAY + 5)
    halves = [b"", b""]
    for number, day in enumerate(days):
        halves[number % 2] = add_day(halves[number % 2], day * DAY)
    assert unite_days(*halves) == unite_days(*halves[::-1]) == packed
    assert count_days(packed) == min(MAX_DAYS, len(set(days)))
    assert are_days(packed)


@pytest.mark.parametrize("made_up", [b"\0", b"\0\2\0\1", b"\0\1\0\1", b"\0\1" * 300])
def test_made_up_days_are_refused(made_up: bytes) -> None:
    assert not are_days(made_up)


def test_what_the_shop_says_is_no_sign_of_life() -> None:
    spoken = event("m", "contact", name="call.made", direction="outbound", occurred_at=BEGIN)
    assert update_lifecycle(Lifecycle(), spoken).active_day == 0


@law
@given(st.integers(1, 64), st.integers(1, 64), st.floats(0.001, 0.5))
def test_the_first_silent_day_that_is_too_improbable(
    active: int, known: int, chance: float
) -> None:
    active = min(active, known)
    days = [0, *range(known - active + 1, known)]
    life = life_of(days)
    silent = rhythm.days_of_silence(life, chance, 1)
    assert silent is not None
    p = rhythm.rhythm(life)
    assert (1 - p) ** silent < chance <= (1 - p) ** (silent - 1) * (1 + 1e-12)
    due = silence_deadline(life, chance, 1)
    assert due is not None
    assert silence_chance(life, due) < chance
    assert silence_chance(life, due - 1) >= chance * (1 - 1e-12)


def test_the_daily_visitor_is_missed_within_days_and_the_weekly_one_within_weeks() -> None:
    daily, weekly = life_of(list(range(60))), life_of(list(range(0, 60, 7)))
    of_daily = rhythm.days_of_silence(daily, 0.02, 5)
    of_weekly = rhythm.days_of_silence(weekly, 0.02, 5)
    assert of_daily is not None
    assert of_weekly is not None
    assert of_daily <= 2
    assert 14 < of_weekly < 35
    assert rhythm.days_of_silence(life_of([0, 1, 2]), 0.02, 5) is None, "too few to have a rhythm"


def test_a_fall_is_fishers_exact_test_on_the_two_stretches() -> None:
    days = [day for day in range(60) if day % 2 == 0 and day < 46] + [50, 59]
    life = life_of(days)
    found = sharp_fall(life, TODAY + 59, 0.05, 5)
    assert found is not None
    before = len([day for day in days if 4 <= day < 46])
    late = len([day for day in days if day >= 46])
    assert (found.late, found.before) == (late, before)
    table = [[late, 14 - late], [before, 42 - before]]
    assert found.chance == pytest.approx(fisher_exact(table, alternative="less").pvalue)


def test_no_fall_for_the_steady_the_new_and_the_seldom() -> None:
    steady = life_of(list(range(0, 60, 2)))
    assert sharp_fall(steady, TODAY + 58, 0.05, 5) is None
    new = life_of([*range(30), 44])
    assert sharp_fall(new, TODAY + 44, 0.05, 5) is None
    seldom = life_of([0, 5, 9, 59])
    assert sharp_fall(seldom, TODAY + 59, 0.05, 5) is None


def test_a_day_of_silence_is_a_day_of_utc() -> None:
    life = life_of(list(range(10)))
    due = silence_deadline(life, 0.02, 5)
    assert due is not None
    moment = datetime.fromtimestamp(due / 1000, UTC)
    assert (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    assert math.isclose(silence_chance(life, BEGIN + 9 * DAY), 1.0)
    assert add_active_day(0, 0, 0) == (0, 0), "1970-01-01 stands for no day"
