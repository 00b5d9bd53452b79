"""The moment a customer is probably gone: a closed form instead of a nightly scan."""

import math
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq

from schemas.effect import ClearDeadline, Folded, SetDeadline
from schemas.event import Event
from schemas.models import BgNbd
from schemas.profile import Lifecycle, Profile
from schemas.trigger import Trigger
from streams.fold.fold import fold
from streams.fold.timers import timer_event
from streams.models.churn import (
    MAX_WEEKS,
    alive_at,
    churn_deadline,
    observed,
    p_alive,
    weeks_until,
)
from streams.values.durations import WEEK
from tests.harness.histories import BEGIN, DAY, MODELS, event, fold_all, law, shop

models = st.builds(
    BgNbd,
    r=st.floats(0.05, 5),
    alpha=st.floats(0.5, 50),
    a=st.floats(0.05, 5),
    b=st.floats(0.1, 10),
)


@law
@given(st.integers(1, 60), st.floats(0, 200), st.floats(0.02, 0.98), models)
def test_the_closed_form_is_the_root_of_the_probability(
    x: int, t_x: float, threshold: float, model: BgNbd
) -> None:
    found = weeks_until(x, t_x, threshold, model)
    below_at_once = p_alive(x, t_x, t_x, model) <= threshold
    if below_at_once:
        assert found == pytest.approx(t_x)
        return
    end = t_x + 1.0
    while p_alive(x, t_x, end, model) > threshold and end < 1e9:
        end = 2 * end
    assume(end < 1e9)
    root = brentq(lambda t: p_alive(x, t_x, t, model) - threshold, t_x, end, xtol=1e-10)
    if found is None:
        assert root > 50_000
    else:
        assert found == pytest.approx(root, rel=1e-6, abs=1e-6)


@law
@given(st.integers(1, 60), st.floats(0, 200), models)
def test_silence_only_lowers_the_probability(x: int, t_x: float, model: BgNbd) -> None:
    values = [p_alive(x, t_x, t_x + weeks, model) for weeks in (0, 1, 10, 100, 1e6, 1e300)]
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= 1 for value in values)


def test_agrees_with_the_published_formula_on_the_cdnow_fit() -> None:
    """P(alive) written out as in the paper's Appendix, from its likelihood terms."""
    from math import gamma

    m = BgNbd()
    x, t_x, t = 2, 30.43, 38.86

    def beta(p: float, q: float) -> float:
        return gamma(p) * gamma(q) / gamma(p + q)

    alive = beta(m.a, m.b + x) / beta(m.a, m.b) / (m.alpha + t) ** (m.r + x)
    gone = beta(m.a + 1, m.b + x - 1) / beta(m.a, m.b) / (m.alpha + t_x) ** (m.r + x)
    assert p_alive(x, t_x, t, m) == pytest.approx(alive / (alive + gone), rel=1e-12)


def test_one_purchase_sets_no_deadline() -> None:
    assert weeks_until(0, 0.0, 0.5, BgNbd()) is None
    once = Lifecycle(purchases=1, first_purchase=BEGIN, last_purchase=BEGIN)
    assert churn_deadline(once, 0.5, BgNbd()) is None
    assert churn_deadline(Lifecycle(), 0.5, BgNbd()) is None
    assert alive_at(once, BEGIN + 500 * DAY, BgNbd()) == 1.0
    assert alive_at(Lifecycle(), BEGIN, BgNbd()) is None


@pytest.mark.parametrize("model", [BgNbd(a=0.0), BgNbd(a=1e-300), BgNbd(r=1e-9, a=1e-6)])
def test_a_model_in_which_nobody_leaves_sets_no_deadline(model: BgNbd) -> None:
    assert weeks_until(1, 4.0, 0.5, model) is None


def test_at_the_deadline_the_probability_has_just_fallen() -> None:
    life = Lifecycle(purchases=4, first_purchase=BEGIN, last_purchase=BEGIN + 90 * DAY)
    due = churn_deadline(life, 0.5, BgNbd())
    assert due is not None
    after, before = alive_at(life, due, BgNbd()), alive_at(life, due - WEEK // 100, BgNbd())
    assert after is not None
    assert before is not None
    assert after < 0.5 < before


def bought(day: int, message_id: str | None = None) -> Event:
    return event(
        message_id or f"order{day}",
        name="Order Completed",
        user_id="u1",
        occurred_at=BEGIN + day * DAY,
        properties={"total": 10, "currency": "EUR"},
    )


def test_every_second_purchase_sets_the_deadline_and_a_timer_fires_it() -> None:
    profile = fold_all([bought(0)])
    assert profile.decisions.deadlines == {}
    outcome = fold(profile, "u1", bought(30), shop(), MODELS)
    assert isinstance(outcome, Folded)
    due = churn_deadline(outcome.profile.lifecycle, 0.5, BgNbd())
    assert due is not None
    assert SetDeadline("leaving", due) in outcome.effects
    fired = fold(outcome.profile, "u1", timer_event("u1", "leaving", due, due), shop(), MODELS)
    assert isinstance(fired, Folded)
    (trigger,) = [effect for effect in fired.effects if isinstance(effect, Trigger)]
    assert (trigger.type, trigger.decision) == ("churn.risk", "fire")
    assert trigger.why["p_alive"] <= 0.5
    assert trigger.why["model"] == "default"
    assert "default model" in trigger.reason
    last = date.fromtimestamp((BEGIN + 30 * DAY) // 1000).isoformat()
    assert f"bought on 2 days, last on {last}" in trigger.reason
    assert fired.profile.decisions.deadlines == {}


def test_who_bought_since_gets_a_later_deadline_instead() -> None:
    profile = fold_all([bought(0), bought(30)])
    due = profile.decisions.deadlines["leaving"]
    profile = fold_all([bought(60)], profile=profile)
    assert profile.decisions.deadlines["leaving"] == due, "a purchase does not move a deadline"
    outcome = fold(profile, "u1", timer_event("u1", "leaving", due, due), shop(), MODELS)
    assert isinstance(outcome, Folded)
    later = outcome.profile.decisions.deadlines["leaving"]
    assert later > due
    assert outcome.effects == [ClearDeadline("leaving"), SetDeadline("leaving", later)]


def test_who_comes_back_can_be_lost_again() -> None:
    profile = fold_all([bought(0), bought(30)])
    due = profile.decisions.deadlines["leaving"]
    ids = []
    for day in (500, 1000):
        outcome = fold(profile, "u1", timer_event("u1", "leaving", due, due), shop(), MODELS)
        assert isinstance(outcome, Folded)
        ids += [effect.id for effect in outcome.effects if isinstance(effect, Trigger)]
        profile = fold_all([bought(day)], profile=outcome.profile)
        due = profile.decisions.deadlines["leaving"]
    assert len(set(ids)) == 2


def test_purchases_of_two_merged_profiles_set_the_deadline_of_the_customer() -> None:
    from streams.fold.merging import merge_profiles

    one, other = fold_all([bought(0)]), fold_all([bought(30)])
    merged = merge_profiles(one, other)
    assert churn_deadline(merged.lifecycle, 0.5, BgNbd()) == churn_deadline(
        fold_all([bought(0), bought(30)]).lifecycle, 0.5, BgNbd()
    )
    assert isinstance(merged, Profile)


def random_cases(count: int, seed: int) -> tuple[np.ndarray, ...]:
    """(x, t_x, threshold, r, alpha, a, b) of every kind of shop and customer."""
    chance = np.random.default_rng(seed)
    return (
        chance.integers(1, 100, count).astype(float),
        chance.uniform(0, 300, count),
        chance.uniform(0.01, 0.99, count),
        np.exp(chance.uniform(np.log(0.05), np.log(5), count)),
        np.exp(chance.uniform(np.log(0.5), np.log(50), count)),
        np.exp(chance.uniform(np.log(0.05), np.log(5), count)),
        np.exp(chance.uniform(np.log(0.1), np.log(10), count)),
    )


def bisected(cases: tuple[np.ndarray, ...], longest: float) -> np.ndarray:
    """The root of P(alive) - threshold between t_x and `longest`, all cases at once; nan where it
    is later, t_x where P(alive) is below from the start."""
    x, t_x, threshold, r, alpha, a, b = cases

    def alive(t: np.ndarray) -> np.ndarray:
        odds = a / (b + x - 1) * np.exp((r + x) * np.log((alpha + t) / (alpha + t_x)))
        return 1 / (1 + odds)

    with np.errstate(over="ignore"):
        low, high = t_x.copy(), np.full_like(t_x, longest)
        later, at_once = alive(high) > threshold, alive(low) <= threshold
        for _ in range(80):
            middle = (low + high) / 2
            above = alive(middle) > threshold
            low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(later, np.nan, np.where(at_once, t_x, high))


@pytest.mark.parametrize(
    "count", [20_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
def test_the_deadline_is_within_a_second_of_the_root(count: int) -> None:
    cases = random_cases(count, seed=count)
    roots = bisected(cases, MAX_WEEKS)
    second = 1 / (7 * 24 * 3600)
    for root, (x, t_x, threshold, r, alpha, a, b) in zip(
        roots.tolist(), np.stack(cases, axis=1).tolist(), strict=True
    ):
        found = weeks_until(int(x), t_x, threshold, BgNbd(r, alpha, a, b))
        if found is None:
            assert math.isnan(root) or root > MAX_WEEKS - 1
        elif math.isnan(root):
            assert found > MAX_WEEKS - 1
        else:
            assert abs(found - root) < second


def test_two_orders_of_one_day_are_one_purchase() -> None:
    twice = fold_all([bought(0), bought(0, "again")])
    assert twice.lifecycle.purchases == 2
    assert twice.decisions.deadlines == {}, "nobody has come back yet"
    assert alive_at(twice.lifecycle, BEGIN + 900 * DAY, BgNbd()) == 1.0


def test_time_runs_from_the_start_of_the_day_as_in_the_data_of_the_fit() -> None:
    """Customer 1 of CDNOW: 2 repeat days, t_x 30.43 and T 38.86 weeks at the end of September."""
    hour = 3_600_000
    days = [date(1997, 1, 1), date(1997, 6, 1), date(1997, 8, 2)]
    moments = [
        int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp()) * 1000 + 12 * hour
        for d in days
    ]
    history = [
        event(f"o{at}", name="Order Completed", user_id="u1", occurred_at=at) for at in moments
    ]
    end = int(datetime(1997, 9, 30, tzinfo=UTC).timestamp()) * 1000
    x, t_x, t = observed(fold_all(history).lifecycle, end)
    assert (x, round(t_x, 2), round(t, 2)) == (2, 30.43, 38.86)
