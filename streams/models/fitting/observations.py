"""One kind of customer as the archive counts them."""

from collections.abc import Iterable, Sequence

import msgspec

from streams.models.fitting.histories import Histories, Spends, gather_histories, gather_spends


class Observation(msgspec.Struct, frozen=True):
    """A number of `customers` with the same purchases. Days are those of UTC with a purchase."""

    x: int
    """Repeat purchase days by the end of the observation."""
    last_day: int
    """Days from the first purchase to the last."""
    days_observed: int
    """Days from the first purchase to the end."""
    early_days: int
    """Purchase days, the first among them, by the earlier day as of which a model is tried."""
    early_last_day: int
    early_days_observed: int
    later_days: int
    """Purchase days after the end."""
    currency: str
    """Of a repeat buyer who paid in one; else empty."""
    mean_spend: float
    """Of a repeat purchase day, in units; 0 where there is none."""
    customers: int


def whole(observed: Iterable[Observation]) -> Histories:
    """The histories at the end of the observation."""
    return _collect((o.x, o.last_day, o.days_observed, o.customers) for o in observed)


def early(observed: Iterable[Observation]) -> Histories:
    """The histories at the earlier day, of customers known then."""
    return _collect(
        (o.early_days - 1, o.early_last_day, o.early_days_observed, o.customers)
        for o in observed
        if o.early_days
    )


def spends(observed: Iterable[Observation], currency: str) -> Spends:
    """Repeat buyers' mean spend in a currency."""
    return gather_spends(
        [
            (o.x, o.mean_spend)
            for o in observed
            if o.x > 0 and o.mean_spend > 0 and o.currency == currency
            for _ in range(o.customers)
        ]
    )


def currencies(observed: Iterable[Observation]) -> Sequence[str]:
    """Currencies that repeat buyers paid in, those of most customers first."""
    found: dict[str, int] = {}
    for o in observed:
        if o.x > 0 and o.mean_spend > 0:
            found[o.currency] = found.get(o.currency, 0) + o.customers
    return sorted(found, key=lambda currency: (-found[currency], currency))


def _collect(rows: Iterable[tuple[int, int, int, int]]) -> Histories:
    together: dict[tuple[int, int, int], int] = {}
    for x, last, observed, customers in rows:
        key = (x, last, observed)
        together[key] = together.get(key, 0) + customers
    return gather_histories([(*key, customers) for key, customers in together.items()])
