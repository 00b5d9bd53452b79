"""The moment a customer is probably gone: a closed form instead of a nightly scan."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq

from schemas.effect import ClearDeadline, Folded, SetDeadline
from schemas.event import Event
from schemas.models import BgNbd
from schemas.profile import Lifecycle, Profile
from schemas.trigger import Trigger
from streams.churn import alive_at, churn_deadline, p_alive, weeks_until
from streams.deadlines import timer_event
from streams.durations import WEEK
from streams.folding import fold
from tests.unit.histories import BEGIN, DAY, MODELS, event, fold_all, law, shop

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
    assert f"bought 2 times, last on {last}" in trigger.reason
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
    from streams.merging import merge_profiles

    one, other = fold_all([bought(0)]), fold_all([bought(30)])
    merged = merge_profiles(one, other)
    assert churn_deadline(merged.lifecycle, 0.5, BgNbd()) == churn_deadline(
        fold_all([bought(0), bought(30)]).lifecycle, 0.5, BgNbd()
    )
    assert isinstance(merged, Profile)
