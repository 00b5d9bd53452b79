"""Money as integers, so that sums do not depend on the order of adding."""

from collections.abc import Mapping

LARGEST = 10**12
"""Hundredths; a larger amount is a mistake of the sender and counts as nothing. Nine million
amounts of this size still fit in 64 bits."""

MAX_CURRENCIES = 16
"""Currencies kept of one customer, the first by name, whatever order they came in."""


def add_spend(spend: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Currency -> hundredths, summed; no currency is ever converted into another."""
    total = dict(spend)
    for currency, amount in more.items():
        total[currency] = total.get(currency, 0) + amount
    if len(total) <= MAX_CURRENCIES:
        return total
    return {currency: total[currency] for currency in sorted(total)[:MAX_CURRENCIES]}
