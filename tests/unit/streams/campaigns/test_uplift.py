"""What is said of two arms: the figures of the literature, and how often it is wrong."""

from itertools import product
from math import comb, isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import relative_risk

from streams.campaigns.spend_uplift import Spend, spend_difference
from streams.campaigns.uplift import (
    MIN_CUSTOMERS,
    Arm,
    difference,
    difference_any_time,
    measure,
    rate,
    ratio,
    score_test,
)
from streams.campaigns.uplift_in_words import percent, points, uplift_in_words

ARMS = st.integers(1, 5_000).flatmap(
    lambda customers: st.builds(Arm, st.just(customers), st.integers(0, customers))
)


# Figures of the literature


@pytest.mark.parametrize(
    ("arm", "low", "high"),
    [
        (Arm(263, 81), 0.2553, 0.3662),
        (Arm(148, 15), 0.0624, 0.1605),
        (Arm(20, 0), 0.0, 0.1611),
        (Arm(29, 1), 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_rate_is_the_published_one(arm: Arm, low: float, high: float) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I."""
    found = rate(arm)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("treated", "held_out", "low", "high"),
    [
        (Arm(70, 56), Arm(80, 48), 0.0524, 0.3339),
        (Arm(10, 9), Arm(10, 3), 0.1705, 0.8090),
        (Arm(7, 6), Arm(7, 2), 0.0582, 0.8062),
        (Arm(56, 5), Arm(29, 0), -0.0381, 0.1926),
        (Arm(10, 0), Arm(20, 0), -0.1611, 0.2775),
        (Arm(10, 10), Arm(20, 0), 0.6791, 1.0),
    ],
)
def test_the_interval_of_an_uplift_is_the_published_one(
    treated: Arm, held_out: Arm, low: float, high: float
) -> None:
    """Newcombe 1998, "Interval estimation for the difference…", table II, method 10."""
    found = difference(treated, held_out)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_the_relative_uplift_and_the_spend_are_what_scipy_says() -> None:
    found = ratio(Arm(900, 130), Arm(100, 9))
    limits = relative_risk(130, 900, 9, 100).confidence_interval(0.95)
    assert found is not None
    assert (found.low + 1, found.high + 1) == pytest.approx((limits.low, limits.high))
    chance = np.random.default_rng(3)
    one, other = chance.gamma(2, 9, 400), chance.gamma(2, 8, 37)
    expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    spent = [Spend(len(arm), arm.sum(), (arm**2).sum()) for arm in (one, other)]
    measured = spend_difference(*spent)
    assert measured is not None
    assert (measured.low, measured.high) == pytest.approx((expected.low, expected.high))


def test_the_p_value_is_that_of_the_chi_square_test() -> None:
    table = np.array([[56, 14], [48, 32]])
    expected = stats.chi2_contingency(table, correction=False).pvalue
    assert score_test(Arm(70, 56), Arm(80, 48)) == pytest.approx(expected)


# Laws


@given(ARMS, ARMS)
def test_an_interval_holds_its_figure_and_turns_with_the_arms(treated: Arm, held_out: Arm) -> None:
    for interval in (difference, difference_any_time):
        found, turned = interval(treated, held_out), interval(held_out, treated)
        assert -1 <= found.low <= found.value <= found.high <= 1
        assert isclose(found.low, -turned.high, abs_tol=1e-12)
        assert isclose(found.high, -turned.low, abs_tol=1e-12)
    one_look = difference(treated, held_out)
    any_time = difference_any_time(treated, held_out)
    assert any_time.low <= one_look.low
    assert any_time.high >= one_look.high


@given(ARMS, ARMS, st.sampled_from(["any", "one"]))
def test_a_verdict_says_what_its_interval_says(treated: Arm, held_out: Arm, looks: str) -> None:
    found = measure(treated, held_out, looks=looks)  # type: ignore[arg-type]
    shown = found.uplift_any_time if looks == "any" else found.uplift
    assert shown is not None
    if found.verdict == "works":
        assert shown.low > 0
    elif found.verdict == "harms":
        assert shown.high < 0
    elif found.verdict == "no effect shown":
        assert shown.low <= 0 <= shown.high or looks == "one"
    assert (found.more_customers is not None) == (found.verdict == "too early")


@given(st.integers(1, 400), st.integers(1, 400), st.integers(2, 9))
def test_with_as_many_more_customers_it_is_not_too_early(
    treated: int, held_out: int, tenths: int
) -> None:
    first = measure(Arm(treated * 10, treated * tenths), Arm(held_out * 10, held_out * tenths))
    if first.more_customers is None:
        return
    count = (treated + held_out) * 10
    times = -(-(count + first.more_customers) // count) + 1
    more = measure(
        Arm(treated * 10 * times, treated * tenths * times),
        Arm(held_out * 10 * times, held_out * tenths * times),
    )
    assert more.verdict == "no effect shown"


# How often it is wrong


def chances(customers: int, share: float) -> list[float]:
    return [
        comb(customers, hits) * share**hits * (1 - share) ** (customers - hits)
        for hits in range(customers + 1)
    ]


@pytest.mark.parametrize(("customers", "share"), [((90, 60), 0.3), ((120, 60), 0.1)])
def test_of_no_effect_less_than_one_look_in_twenty_finds_one(
    customers: tuple[int, int], share: float
) -> None:
    """Exact: summed over everything that can happen."""
    wrong = sum(
        one * other
        for (hits, one), (others, other) in product(
            enumerate(chances(customers[0], share)), enumerate(chances(customers[1], share))
        )
        if one * other > 1e-9
        and measure(Arm(customers[0], hits), Arm(customers[1], others), looks="one").verdict
        in ("works", "harms")
    )
    assert 0.01 < wrong < 0.055


def test_the_interval_covers_the_truth_in_nineteen_of_twenty() -> None:
    """Exact, for 200 treated at 25% and 60 held out at 15%."""
    missed = sum(
        one * other
        for (hits, one), (others, other) in product(
            enumerate(chances(200, 0.25)), enumerate(chances(60, 0.15))
        )
        if one * other > 1e-9
        and not (
            (found := difference(Arm(200, hits), Arm(60, others))).low <= 0.25 - 0.15 <= found.high
        )
    )
    assert 0.02 < missed < 0.06


def test_looking_every_day_misleads_one_look_verdicts_and_not_the_others() -> None:
    """A campaign that does nothing, 40 new customers a day, looked at on each of 100 days."""
    chance = np.random.default_rng(20)
    runs, days = 300, 100
    treated = chance.binomial(20, 0.2, (runs, days)).cumsum(axis=1)
    held_out = chance.binomial(20, 0.2, (runs, days)).cumsum(axis=1)
    wrong = {"one": 0, "any": 0}
    for run in range(runs):
        for looks in wrong:
            wrong[looks] += any(
                measure(
                    Arm(20 * (day + 1), int(treated[run, day])),
                    Arm(20 * (day + 1), int(held_out[run, day])),
                    looks=looks,  # type: ignore[arg-type]
                ).verdict
                in ("works", "harms")
                for day in range(days)
            )
    print({looks: found / runs for looks, found in wrong.items()})
    assert wrong["one"] > 0.2 * runs
    assert wrong["any"] <= 0.05 * runs


# Too early


def test_nobody_in_an_arm_says_nothing() -> None:
    found = measure(Arm(10, 3), Arm(0, 0))
    assert found.uplift is None
    assert found.held_out_rate is None
    assert found.verdict == "too early"
    assert uplift_in_words(found) == "too early: nobody held out has had the time to convert"
    assert uplift_in_words(measure(Arm(0, 0), Arm(0, 0))).startswith("too early: nobody treated")


def test_a_huge_effect_on_a_few_is_too_early() -> None:
    found = measure(Arm(20, 20), Arm(20, 0), looks="one")
    assert found.verdict == "too early"
    assert found.more_customers == 2 * (MIN_CUSTOMERS - 20)


def test_no_effect_is_said_only_where_one_worth_finding_would_have_been_seen() -> None:
    few, many = Arm(400, 40), Arm(40_000, 4_000)
    assert measure(few, few).verdict == "too early"
    assert measure(many, many).verdict == "no effect shown"
    assert measure(many, many, least_relative=0.02).verdict == "too early"


def test_more_conversions_than_customers_are_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="3 conversions of 2 customers"):
        measure(Arm(2, 3), Arm(5, 1))


def test_spend_of_one_customer_or_of_equal_ones_has_no_interval() -> None:
    assert spend_difference(Spend(1, 5, 25), Spend(9, 5, 25)) is None
    assert spend_difference(Spend(4, 20, 100), Spend(3, 15, 75)) is None


# In words


def test_a_verdict_in_words_has_its_interval() -> None:
    found = measure(Arm(9_000, 1_800), Arm(1_000, 100))
    assert found.uplift_any_time is not None
    assert found.treated_rate is not None
    said = points(found.uplift_any_time)
    assert uplift_in_words(found) == f"works: uplift {said} percentage points"
    assert said.startswith("+10.0 (+")
    assert percent(found.treated_rate) == "20.0% (19.2 to 20.8)"
    early = uplift_in_words(measure(Arm(900, 90), Arm(100, 10)))
    assert "more customers are needed: uplift +0.0 (-" in early
