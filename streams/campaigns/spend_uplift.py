"""Uplift of a campaign in money. Imports scipy: not for what starts often."""

from math import sqrt

import msgspec
from scipy.special import stdtrit

from streams.campaigns.uplift import LEVEL, Estimate


class Spend(msgspec.Struct, frozen=True):
    """What the customers of an arm spent in their time, in one currency: number of customers (with
    those who spent nothing), sum, and sum of squares."""

    customers: int
    total: float
    squares: float


def spend_difference(treated: Spend, held_out: Spend) -> Estimate | None:
    """How much more a treated customer spent on average, with the interval of Welch 1947 (for one
    look); None where an arm has fewer than two customers, or nobody's spend differs."""
    if treated.customers < 2 or held_out.customers < 2:
        return None
    one, other = _variance_of_mean(treated), _variance_of_mean(held_out)
    variance = one + other
    if variance <= 0:
        return None
    freedom = variance**2 / (one**2 / (treated.customers - 1) + other**2 / (held_out.customers - 1))
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * sqrt(variance)
    value = treated.total / treated.customers - held_out.total / held_out.customers
    return Estimate(value, value - half, value + half)


def _variance_of_mean(spend: Spend) -> float:
    count = spend.customers
    scatter = spend.squares - spend.total**2 / count
    # What is left where everybody spent the same is the rounding of the sums.
    return scatter / (count - 1) / count if scatter > 1e-9 * spend.squares else 0.0
