"""What a customer is still worth: against the published formulas, simulation and quadrature."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import hyp2f1

from schemas.models import BgNbd, GammaGamma, ValueModel
from schemas.profile import Lifecycle
from streams.models.value import (
    discounted_purchases,
    expected_spend,
    purchases_if_alive,
    residual_value,
)
from tests.harness.histories import BEGIN, DAY, event, fold_all, law

models = st.builds(
    BgNbd,
    r=st.floats(0.05, 5),
    alpha=st.floats(0.5, 50),
    a=st.floats(0.05, 5),
    b=st.floats(0.1, 10),
)


@law
@given(st.integers(0, 40), st.floats(0, 200), st.floats(0.5, 150), models)
def test_purchases_to_come_are_the_published_formula(
    x: int, t: float, weeks: float, m: BgNbd
) -> None:
    """Formula (10) of Fader, Hardie and Lee without its denominator, away from its pole a = 1 and
    from the one of the series, which is infinite times nothing there."""
    if abs(m.a - 1) < 0.05 or abs(m.a + m.b + x - 1) < 1e-6:
        return
    ratio = (m.alpha + t) / (m.alpha + t + weeks)
    series = hyp2f1(m.r + x, m.b + x, m.a + m.b + x - 1, 1 - ratio)
    published = (m.a + m.b + x - 1) / (m.a - 1) * (1 - ratio ** (m.r + x) * series)
    # The published form subtracts what is nearly equal: it has lost digits that the sum keeps.
    assert purchases_if_alive(x, t, weeks, m) == pytest.approx(published, rel=1e-5, abs=1e-9)


def test_nothing_is_special_about_a_equal_one() -> None:
    around = [purchases_if_alive(3, 20.0, 52.0, BgNbd(a=a)) for a in (0.999999, 1.0, 1.000001)]
    assert around == sorted(around, reverse=True)
    assert around[0] - around[2] < 1e-5


def test_agrees_with_a_simulated_shop() -> None:
    """Customers alive at T with the posterior of (x, T), simulated purchase by purchase."""
    model, x, t, weeks, size = BgNbd(), 2, 30.0, 52.0, 200_000
    chance = np.random.default_rng(7)
    pace = chance.gamma(model.r + x, 1 / (model.alpha + t), size)
    leaving = chance.beta(model.a, model.b + x, size)
    requested = chance.poisson(pace * weeks)
    stays = chance.geometric(leaving)
    assert purchases_if_alive(x, t, weeks, model) == pytest.approx(
        np.minimum(requested, stays).mean(), rel=0.02
    )


@law
@given(st.integers(0, 20), st.floats(1, 100), models)
def test_discounting_is_the_integral(x: int, t: float, m: BgNbd) -> None:
    rate, weeks = 0.01, 52.0
    rest, _ = quad(lambda u: math.exp(-rate * u) * purchases_if_alive(x, t, u, m), 0, weeks)
    exact = math.exp(-rate * weeks) * purchases_if_alive(x, t, weeks, m) + rate * rest
    assert discounted_purchases(x, t, weeks, rate, m) == pytest.approx(exact, rel=2e-3)
    assert discounted_purchases(x, t, weeks, 0.0, m) == purchases_if_alive(x, t, weeks, m)


def test_spend_leans_on_everybody_until_much_is_known() -> None:
    """The note's own worked figures: p 6.25, q 3.74, gamma 15.44, population mean 35.2."""
    model = GammaGamma(6.25, 3.74, 15.44)
    everybody = 6.25 * 15.44 / 2.74
    once, often = expected_spend(1, 100.0, model), expected_spend(200, 100.0, model)
    assert everybody < once < often < 100.0
    assert once == pytest.approx((everybody * 2.74 + 100.0 * 6.25) / (6.25 + 2.74))
    assert expected_spend(3, 80.0, None) == 80.0
    assert expected_spend(1, 80.0, GammaGamma(0.1, 0.2, 5.0)) == 80.0


def test_the_value_is_in_the_currency_most_spent_in_and_splits_into_kept_and_lost() -> None:
    days = [
        event(
            f"o{day}",
            name="Order Completed",
            user_id="u1",
            occurred_at=BEGIN + day * DAY,
            properties={"total": total, "currency": currency},
        )
        for day, total, currency in ((0, 50, "EUR"), (10, 70, "EUR"), (10, 30, "USD"))
    ]
    life = fold_all(days).lifecycle
    found = residual_value(life, BEGIN + 60 * DAY, BgNbd(), ValueModel())
    assert found is not None
    assert found.currency == "EUR"
    assert found.per_purchase == pytest.approx(60.0), "two days, though three orders"
    assert found.expected + found.at_stake == pytest.approx(found.if_kept)
    assert 0 < found.if_kept < found.per_purchase * found.purchases_if_kept
    assert residual_value(Lifecycle(), BEGIN, BgNbd(), ValueModel()) is None
    given_away = Lifecycle(purchases=1, first_purchase=BEGIN, last_purchase=BEGIN)
    assert residual_value(given_away, BEGIN, BgNbd(), ValueModel()) is None


def test_extreme_histories_end_in_time() -> None:
    for x, t in ((255, 0.0), (255, 36.0), (0, 0.0), (5, 1e6)):
        found = purchases_if_alive(x, t, 52.0, BgNbd(r=5, alpha=0.01, a=0.05, b=10))
        assert math.isfinite(found)
        assert found >= 0
