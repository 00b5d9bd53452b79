"""The CDNOW sample as the models see it: purchase days, and what came after a day."""

from collections.abc import Sequence
from datetime import date

import msgspec

from infra.demo.purchase_histories import history_file, read_histories

END_OF_CALIBRATION = date(1997, 9, 30)
END = date(1998, 6, 30)


class Buyer(msgspec.Struct, frozen=True):
    """One customer: days since 1970 with a purchase, first to last, and the cents of each."""

    days: tuple[int, ...]
    cents: tuple[int, ...]


def number(day: date) -> int:
    """Days since 1970."""
    return (day - date(1970, 1, 1)).days


def buyers() -> Sequence[Buyer]:
    """Every customer of the sample. FileNotFoundError where `lifetimes` is not installed."""
    path = history_file()
    if path is None:
        raise FileNotFoundError("the CDNOW sample comes with the PyPI distribution lifetimes")
    found = []
    for history in read_histories(path):
        spent: dict[int, int] = {}
        for purchase in history.purchases:
            day = number(purchase.day)
            spent[day] = spent.get(day, 0) + purchase.cents
        days = tuple(sorted(spent))
        found.append(Buyer(days, tuple(spent[day] for day in days)))
    return found
