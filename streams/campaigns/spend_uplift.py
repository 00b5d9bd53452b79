"""Uplift of a campaign in money. Imports scipy, which takes a second."""

from math import sqrt

import msgspec
from scipy.special import stdtrit

from streams.campaigns.uplift import LEVEL, Estimate


class Spend(msgspec.Struct, frozen=True):
    """Spend of the customers of an arm in one currency: number of customers (those with no spend
    included), sum, and sum of squares."""

    customers: int
    total: float
    squares: float


def spend_difference(treated: Spend, held_out: Spend) -> Estimate | None:
    """Mean spend of treated minus held-out customers, with the interval of Welch 1947 (for one
    look); None where an arm has fewer than two customers or no variance."""
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
    # With equal spends the variance is only rounding of the sums.
    return scatter / (count - 1) / count if scatter > 1e-9 * spend.squares else 0.0
