"""Visit rhythm of a customer, for sites with visits rather than purchases.

Models the visits of the window in `streams.profile.active_days`.
"""

import math

import msgspec

from schemas.profile import Lifecycle
from streams.profile.active_days import active_days, known_days
from streams.values.purchase_days import DAY

LATE, BEFORE = 14, 42
"""Recent days, compared with the days before them."""


def rhythm(life: Lifecycle) -> float:
    """The chance that the customer is active on a day: (k + 1) / (n + 2) after k of n days,
    Laplace's rule of succession."""
    return (active_days(life) + 1) / (known_days(life) + 2)


def days_of_silence(life: Lifecycle, chance: float, least_days: int) -> int | None:
    """The first number of silent days s with (1-p)^s < `chance`, in closed form
    floor(ln chance / ln(1-p)) + 1; None for fewer than `least_days` active days."""
    if active_days(life) < least_days:
        return None
    return math.floor(math.log(chance) / math.log1p(-rhythm(life))) + 1


def silence_deadline(life: Lifecycle, chance: float, least_days: int) -> int | None:
    """The instant (milliseconds) at which so many whole days (UTC) have passed in silence."""
    days = days_of_silence(life, chance, least_days)
    return None if days is None else (life.active_day + days + 1) * DAY


def silence_chance(life: Lifecycle, now: int) -> float:
    """Probability of the silence until `now` for this customer: (1-p)^s after s whole days."""
    return (1.0 - rhythm(life)) ** max(0, now // DAY - life.active_day - 1)


class Fall(msgspec.Struct, frozen=True, gc=False):
    """Recent and earlier active days, and the probability of so few recent ones by chance."""

    late: int
    before: int
    chance: float


def sharp_fall(life: Lifecycle, today: int, chance: float, least_days: int) -> Fall | None:
    """The fall in the 14 days that end with `today` (days since 1970) against the 42 before them,
    where it is less probable than `chance`; None where it is not, where the customer is not known
    for those 56 days, or was active on fewer than `least_days` of the 42.

    Were nothing to have changed, the k active days would fall on any of the 56 alike: that a of
    them are late is hypergeometric, and the chance is its tail sum_{i<=a} C(14,i) C(42,k-i)/C(56,k)
    (Fisher's exact test).
    """
    span = LATE + BEFORE
    passed = today - life.active_day
    if passed < 0 or passed >= span or today - life.first_seen // DAY + 1 < span:
        return None
    mask = life.active_days << passed
    late = (mask & ((1 << LATE) - 1)).bit_count()
    before = (mask >> LATE & ((1 << BEFORE) - 1)).bit_count()
    # Too few days before, or no lower rate than before.
    if before < least_days or late * BEFORE >= before * LATE:
        return None
    days = late + before
    ways = sum(math.comb(LATE, i) * math.comb(BEFORE, days - i) for i in range(late + 1))
    by_chance = ways / math.comb(span, days)
    return Fall(late, before, by_chance) if by_chance < chance else None
