"""Uplift of a campaign: treated against held-out customers, with an interval for each figure.

Sources: Wilson 1927 (interval of a share); Newcombe 1998, "Interval estimation for the difference
between independent proportions", method 10; Katz et al. 1978 (interval of a ratio); Waudby-Smith et
al. 2024, "Time-uniform central limit theory and asymptotic confidence sequences" (intervals that
hold however often one looks).
"""

from math import ceil, erfc, exp, log, sqrt
from statistics import NormalDist
from typing import Final, Literal

import msgspec

Looks = Literal["any", "one"]
"""Looks at the figures: any number at any time, or one at a time fixed in advance."""

Verdict = Literal["works", "harms", "no effect shown", "too early"]

LEVEL: Final = 0.95
"""Confidence level of every interval."""
POWER: Final = 0.8
MIN_CUSTOMERS: Final = 50
"""Customers in each arm; with fewer there is no verdict."""
MIN_EXPECTED: Final = 5.0
"""Expected conversions, and non-conversions, in each arm under no effect (Cochran 1954); with fewer
the intervals do not have their level."""
MIN_RELATIVE: Final = 0.2
"""Default of the smallest effect worth finding: a fifth of the held-out rate."""
_TIGHTEST_AT: Final = 2_000
"""Number of customers at which the interval for any number of looks is narrowest; a constant,
because an interval tuned on the data loses its level."""
_MAX_CUSTOMERS: Final = 10**12

_Z: Final = NormalDist().inv_cdf((1 + LEVEL) / 2)
_POWER_Z: Final = NormalDist().inv_cdf(POWER)
_WIDENING: Final = -2 * log(1 - LEVEL) + log(-2 * log(1 - LEVEL)) + 1


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its interval of level `LEVEL`."""

    value: float
    low: float
    high: float


class Arm(msgspec.Struct, frozen=True):
    """Customers whose conversion window is over, and how many of them converted."""

    customers: int
    conversions: int


class Uplift(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are between 0 and 1, uplifts are differences of shares; None where an arm is empty."""

    treated: Arm
    held_out: Arm
    looks: Looks
    """The figure that decides the verdict."""
    treated_rate: Estimate | None
    held_out_rate: Estimate | None
    uplift: Estimate | None
    """For one look: Newcombe's hybrid score interval."""
    uplift_any_time: Estimate | None
    """The same difference; the interval holds at all looks together."""
    relative: Estimate | None
    """Uplift relative to the held-out rate, for one look; None where an arm has no conversion: the
    ratio has no interval."""
    p_value: float | None
    """Two-sided, of the score test; for one look."""
    verdict: Verdict
    more_customers: int | None
    """For "too early": further customers needed in both arms, at the present split, to detect the
    smallest effect worth finding with power `POWER`. None where an arm is empty."""


def measure(
    treated: Arm, held_out: Arm, *, looks: Looks = "any", least_relative: float = MIN_RELATIVE
) -> Uplift:
    """The effect of the treatment. `least_relative` is the smallest effect worth finding, as a
    share of the rate of the held out; greater than 0. ValueError where an arm has more conversions
    than customers."""
    for arm in (treated, held_out):
        if not 0 <= arm.conversions <= arm.customers:
            raise ValueError(f"{arm.conversions} conversions of {arm.customers} customers")
    if not (treated.customers and held_out.customers):
        return Uplift(
            treated=treated,
            held_out=held_out,
            looks=looks,
            treated_rate=rate(treated) if treated.customers else None,
            held_out_rate=rate(held_out) if held_out.customers else None,
            uplift=None,
            uplift_any_time=None,
            relative=None,
            p_value=None,
            verdict="too early",
            more_customers=None,
        )
    newcombe = difference(treated, held_out)
    any_time = difference_any_time(treated, held_out)
    p_value = score_test(treated, held_out)
    if looks == "any":
        shown = any_time.low > 0 or any_time.high < 0
    else:
        shown = p_value < 1 - LEVEL and (newcombe.low > 0 or newcombe.high < 0)
    missing = max(
        _missing_for_intervals(treated, held_out),
        0 if shown else _missing_for_power(treated, held_out, looks, least_relative),
    )
    verdict: Verdict = "no effect shown"
    if missing:
        verdict = "too early"
    elif shown:
        verdict = "works" if newcombe.value > 0 else "harms"
    return Uplift(
        treated=treated,
        held_out=held_out,
        looks=looks,
        treated_rate=rate(treated),
        held_out_rate=rate(held_out),
        uplift=newcombe,
        uplift_any_time=any_time,
        relative=ratio(treated, held_out),
        p_value=p_value,
        verdict=verdict,
        more_customers=missing or None,
    )


def rate(arm: Arm) -> Estimate:
    """Share of customers who converted, with Wilson's interval."""
    # scipy has it in `binomtest` only, which computes an exact test first: a thousand times slower.
    count, hits = arm.customers, arm.conversions
    centre = hits + _Z * _Z / 2
    half = _Z * sqrt(hits * (count - hits) / count + _Z * _Z / 4)
    whole = count + _Z * _Z
    low = 0.0 if hits == 0 else (centre - half) / whole
    high = 1.0 if hits == count else (centre + half) / whole
    return Estimate(hits / count, low, high)


def difference(treated: Arm, held_out: Arm) -> Estimate:
    """Treated minus held out, with Newcombe's interval from the Wilson interval of each."""
    one, other = rate(treated), rate(held_out)
    value = one.value - other.value
    low = value - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    high = value + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Estimate(value, low, high)


def difference_any_time(treated: Arm, held_out: Arm) -> Estimate:
    """Treated minus held out, with an interval that holds at every look together.

    The asymptotic confidence sequence (a mixture over normal alternatives): the standard error
    times `_factor` of all customers so far. The variance of an arm uses its rate with one
    conversion and one failure added, so that an arm without conversions does not have variance 0.
    It is never narrower than the interval for one look.
    """
    once = difference(treated, held_out)
    error = sqrt(_variance(treated) + _variance(held_out))
    half = error * _factor(treated.customers + held_out.customers)
    low, high = max(-1.0, once.value - half), min(1.0, once.value + half)
    return Estimate(once.value, min(low, once.low), max(high, once.high))


def ratio(treated: Arm, held_out: Arm) -> Estimate | None:
    """Uplift over the held-out rate, with the interval of the logarithm of the ratio (Katz); None
    where an arm has no conversion."""
    if not (treated.conversions and held_out.conversions):
        return None
    from scipy.stats.contingency import relative_risk  # noqa: PLC0415 - slow import

    found = relative_risk(
        treated.conversions, treated.customers, held_out.conversions, held_out.customers
    )
    interval = found.confidence_interval(LEVEL)
    value = float(found.relative_risk)
    return Estimate(value - 1, float(interval.low) - 1, float(interval.high) - 1)


def score_test(treated: Arm, held_out: Arm) -> float:
    """Two-sided p-value of equal rates by the score test with pooled variance. Fisher's exact test
    is conditional on the total of conversions and rejects a true null far less often than one time
    in twenty.
    """
    count = treated.customers + held_out.customers
    pooled = (treated.conversions + held_out.conversions) / count
    variance = pooled * (1 - pooled) * (1 / treated.customers + 1 / held_out.customers)
    if variance <= 0:
        return 1.0
    value = treated.conversions / treated.customers - held_out.conversions / held_out.customers
    return erfc(abs(value) / sqrt(2 * variance))


def customers_needed(
    base: float, holdout: float, looks: Looks = "any", least_relative: float = MIN_RELATIVE
) -> int:
    """Customers in both arms until an effect of `least_relative` times `base` (the rate of the held
    out, between 0 and 1) is seen with a probability of `POWER`, with the share `holdout` held out.

    The smallest n with effect >= (reach(n) + z(POWER)) standard errors(n).
    """
    raised = min(base * (1 + least_relative), (1 + base) / 2)
    variance = raised * (1 - raised) / (1 - holdout) + base * (1 - base) / holdout

    from scipy.optimize import brentq  # noqa: PLC0415 - as in `ratio`

    def excess(logarithm: float) -> float:
        customers = exp(logarithm)
        reach = _factor(customers) if looks == "any" else _Z
        return base * least_relative - (reach + _POWER_Z) * sqrt(variance / customers)

    most = log(_MAX_CUSTOMERS)
    if excess(most) < 0:
        return _MAX_CUSTOMERS
    if excess(0.0) >= 0:
        return 1
    return ceil(exp(brentq(excess, 0.0, most)))


def _variance(arm: Arm) -> float:
    share = (arm.conversions + 1) / (arm.customers + 2)
    return share * (1 - share) / arm.customers


def _factor(customers: float) -> float:
    """Half width, in standard errors, of the interval for any number of looks."""
    spread = customers * _WIDENING / _TIGHTEST_AT
    return sqrt(2 * (1 + 1 / spread) * log(sqrt(spread + 1) / (1 - LEVEL)))


def _missing_for_intervals(treated: Arm, held_out: Arm) -> int:
    count = treated.customers + held_out.customers
    pooled = (treated.conversions + held_out.conversions + 1) / (count + 2)
    rarer = min(pooled, 1 - pooled)
    smaller = min(treated.customers, held_out.customers)
    needed = max(MIN_CUSTOMERS, MIN_EXPECTED / rarer) * count / smaller
    return max(0, ceil(needed) - count)


def _missing_for_power(treated: Arm, held_out: Arm, looks: Looks, least_relative: float) -> int:
    count = treated.customers + held_out.customers
    half_a_customer = 0.5 / held_out.customers
    base = held_out.conversions / held_out.customers
    base = min(max(base, half_a_customer), 1 - half_a_customer)
    needed = customers_needed(base, held_out.customers / count, looks, least_relative)
    return max(0, needed - count)
