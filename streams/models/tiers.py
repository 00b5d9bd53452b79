"""Value tiers: customers counted by spend, so that any of them can be placed.

The counts are by currency and bin of spend. They add, so a partition learns its own as customers
buy, and nothing has to be sorted or scanned. Customers are spread over partitions by a hash, so
that each partition's are a fair sample of all.
"""

from collections.abc import Mapping
from typing import Final, Literal

from schemas.effect import Count
from schemas.models import Counts

Tier = Literal["top", "middle", "low"]

KIND: Final = "spend"
"""Kind of the counts in `streams.models.learned`; a field is CURRENCY|BIN."""

_PARTS = 3
"""A power of two is cut in 2^3 bins: a bin is at most 12.5% wide."""

TOP, MIDDLE = 0.80, 0.95
"""The fewest customers who bring 80% of the value are `top`; with `middle` they bring 95%."""

MIN_CUSTOMERS = 100
"""Minimum of customers; with fewer there is no tier."""


def spend_bin(hundredths: int) -> int:
    """The bin of an amount of 1 or more, in integers alone: the same on every machine."""
    power = hundredths.bit_length() - 1
    if power < _PARTS:
        return hundredths
    return (power << _PARTS) + (hundredths >> (power - _PARTS)) - (1 << _PARTS)


def middle_of(number: int) -> float:
    """The amount (hundredths) in the middle of a bin."""
    power = number >> _PARTS
    if power < _PARTS:
        return float(number)
    width = 1 << (power - _PARTS)
    return ((number & ((1 << _PARTS) - 1)) + (1 << _PARTS)) * width + (width - 1) / 2


def move(before: Mapping[str, int], after: Mapping[str, int]) -> list[Count]:
    """Increments when a customer's spend (currency -> hundredths) changes: -1 in the bin before, +1
    in the bin after; none within a bin."""
    if before is after:
        return []
    found: list[Count] = []
    for currency in sorted({*before, *after}):
        old, new = _field(currency, before), _field(currency, after)
        if old != new:
            if old is not None:
                found.append(Count(KIND, old, -1))
            if new is not None:
                found.append(Count(KIND, new, 1))
    return found


class CountedValues:
    """The counts of one currency, to place amounts in."""

    def __init__(self, counts: Mapping[str, int], currency: str) -> None:
        """`counts` is field -> customers, of all currencies."""
        prefix = f"{currency}|"
        bins = {
            int(field[len(prefix) :]): customers
            for field, customers in counts.items()
            if customers > 0 and field.startswith(prefix)
        }
        self.customers = sum(bins.values())
        total = sum(middle_of(number) * customers for number, customers in bins.items())
        self._top = self._middle = 0
        above = 0.0
        for number in sorted(bins, reverse=True):
            if above < TOP * total:
                self._top = number
            if above < MIDDLE * total:
                self._middle = number
            above += middle_of(number) * bins[number]

    def tier(self, hundredths: int) -> Tier | None:
        """`top`, `middle` or `low`; None with fewer than the minimum of customers."""
        if self.customers < MIN_CUSTOMERS or hundredths <= 0:
            return None
        number = spend_bin(hundredths)
        if number >= self._top:
            return "top"
        return "middle" if number >= self._middle else "low"


def tier_of(spend: Mapping[str, int], learned: Counts) -> Tier | None:
    """The tier of a customer by the currency most spent in; None without spend, or with too few
    customers."""
    if not spend:
        return None
    currency, amount = max(spend.items(), key=lambda item: (item[1], item[0]))
    return CountedValues(learned.counts(KIND), currency).tier(amount)


def _field(currency: str, spend: Mapping[str, int]) -> str | None:
    amount = spend.get(currency, 0)
    return f"{currency}|{spend_bin(amount)}" if amount > 0 else None
