"""Money as integers, so that sums do not depend on the order of adding."""

import math
import re
from collections.abc import Mapping
from typing import Any

LARGEST = 10**12
"""Hundredths; a larger amount is a mistake of the sender and counts as nothing. Nine million
amounts of this size still fit in 64 bits."""

MAX_CURRENCIES = 16
"""Currencies kept of one customer, the first by name, whatever order they came in."""

_CURRENCY = re.compile(r"[A-Za-z]{3}")


def hundredths(amount: Any) -> int:
    """Hundredths of the currency unit, from a number or a numeric string; 0 where it is neither."""
    if isinstance(amount, bool) or not isinstance(amount, int | float | str):
        return 0
    try:
        value = float(amount)
    except (ValueError, OverflowError):
        return 0
    if not math.isfinite(value) or abs(value) * 100 > LARGEST:
        return 0
    return round(value * 100)


def order_value(properties: Mapping[str, Any]) -> tuple[str, int]:
    """(currency, hundredths) of an order: its `total`, else `revenue`, else `value`."""
    for name in ("total", "revenue", "value"):
        if properties.get(name) is not None:
            amount = hundredths(properties[name])
            break
    else:
        amount = 0
    currency = properties.get("currency")
    if not isinstance(currency, str) or _CURRENCY.fullmatch(currency) is None:
        return "", amount
    return currency.upper(), amount


def add_spend(spend: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Currency -> hundredths, summed; no currency is ever converted into another."""
    total = dict(spend)
    for currency, amount in more.items():
        total[currency] = total.get(currency, 0) + amount
    if len(total) <= MAX_CURRENCIES:
        return total
    return {currency: total[currency] for currency in sorted(total)[:MAX_CURRENCIES]}
