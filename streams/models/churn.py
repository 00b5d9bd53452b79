"""Probability that a customer is still a customer, and the moment it falls too low.

BG/NBD: Fader, Hardie and Lee, "Counting your customers the easy way", Marketing Science 24 (2005).
Time is in weeks inside the model and in milliseconds outside.
"""

from schemas.models import BgNbd
from schemas.profile import Lifecycle
from streams.values.durations import WEEK
from streams.values.purchase_days import DAY, count_days

MAX_WEEKS = 52 * 1000.0
"""Later deadlines are not set."""


def p_alive(x: int, t_x: float, t: float, model: BgNbd) -> float:
    """P(alive | x, t_x, T): `x` repeat purchases, the last at `t_x` weeks, `t` weeks observed.

    1 / (1 + a/(b+x-1) * ((alpha+T)/(alpha+t_x))^(r+x)) for x > 0, else 1 (formula 10 and its
    note in the paper: without a repeat purchase the model has seen no chance to leave).
    """
    if x <= 0:
        return 1.0
    ratio = (model.alpha + t) / (model.alpha + t_x)
    try:
        odds = model.a / (model.b + x - 1) * ratio ** (model.r + x)
    except OverflowError:
        return 0.0
    return 1.0 / (1.0 + float(odds))


def weeks_until(x: int, t_x: float, threshold: float, model: BgNbd) -> float | None:
    """T* in weeks since the first purchase at which P(alive) falls to `threshold`.

    (alpha+t_x) * [(1/p* - 1)(b+x-1)/a]^(1/(r+x)) - alpha, never before t_x; None for x = 0, where
    P(alive) stays 1, and for a model without churn (a = 0).
    """
    if x <= 0 or model.a <= 0:
        return None
    odds = (1.0 / threshold - 1.0) * (model.b + x - 1) / model.a
    weeks = float((model.alpha + t_x) * odds ** (1.0 / (model.r + x)) - model.alpha)
    return max(t_x, weeks) if weeks < MAX_WEEKS else None


def observed(life: Lifecycle, now: int) -> tuple[int, float, float]:
    """(x, t_x, T) of somebody who has bought: repeat purchase days, weeks from the first purchase
    day to the last, weeks from the first one to `now` (milliseconds).

    Days are those of UTC and begin at midnight, as in the data the model is fitted to.
    """
    first = life.first_purchase // DAY
    t_x = (life.last_purchase // DAY - first) / 7
    t = (now - first * DAY) / WEEK
    return repeat_days(life), t_x, max(t_x, t)


def repeat_days(life: Lifecycle) -> int:
    """Purchase days after the first one."""
    days = count_days(life.purchase_days)
    # Profiles from before purchase days were kept have none.
    return (days or life.purchases) - 1


def churn_deadline(lifecycle: Lifecycle, threshold: float, model: BgNbd) -> int | None:
    """The instant (milliseconds) at which P(alive) falls to `threshold`, None if it never does."""
    if lifecycle.purchases <= 0:
        return None
    x, t_x, _ = observed(lifecycle, 0)
    weeks = weeks_until(x, t_x, threshold, model)
    if weeks is None:
        return None
    return lifecycle.first_purchase // DAY * DAY + int(weeks * WEEK) + 1


def alive_at(lifecycle: Lifecycle, now: int, model: BgNbd) -> float | None:
    """P(alive) at `now` (milliseconds), None for somebody who has not bought yet."""
    if lifecycle.purchases <= 0:
        return None
    return p_alive(*observed(lifecycle, now), model)
