"""Money as integers, so that sums do not depend on the order of adding."""

import math
from typing import Any

LARGEST = 10**15
"""Hundredths; a larger amount is a mistake of the sender and counts as nothing."""


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


def order_value(properties: dict[str, Any]) -> tuple[str, int]:
    """(currency, hundredths) of an order: its `total`, else `revenue`, else `value`."""
    for name in ("total", "revenue", "value"):
        if properties.get(name) is not None:
            amount = hundredths(properties[name])
            break
    else:
        amount = 0
    currency = properties.get("currency")
    return (currency.upper()[:3] if isinstance(currency, str) else "", amount)
