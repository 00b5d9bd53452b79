"""The money of an order event: hundredths and currency, or what is wrong with them."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from streams.values.money import LARGEST
from streams.values.numbers import parse_number

TOTALS = ("total", "revenue", "value", "subtotal")
"""Properties that state the money of an order, the first that is not empty counts."""

WITHOUT_DECIMALS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
"""ISO 4217 currencies that have no minor unit."""

SYMBOLS = {"€": "EUR", "£": "GBP", "₩": "KRW", "₫": "VND", "₹": "INR", "₽": "RUB", "₺": "TRY"}
"""Signs that belong to one currency; `$` and `¥` belong to several."""

_EXACT = 1e9
_NEAR = 1e-4
"""Hundredths: nearer to a whole one than any amount with three decimals, in floats up to 10^9."""


class Amount(msgspec.Struct, frozen=True, gc=False):
    """Money as stated by an event."""

    hundredths: int | None = None
    """None: none was stated, or it could not be read."""
    currency: str = ""
    """ISO 4217 in capitals; "" where none was given."""
    problems: tuple[str, ...] = ()
    """Names of `streams.quality.findings.CHECKS`."""


def is_absent(value: Any) -> bool:
    """Whether a property says nothing: null, an empty text, list or object."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


def currency_of(properties: Mapping[str, Any]) -> str:
    """The currency of an event in capitals; "" where there is none that could be one."""
    stated = properties.get("currency")
    if not isinstance(stated, str):
        return ""
    text = stated.strip()
    if text in SYMBOLS:
        return SYMBOLS[text]
    return text.upper() if len(text) == 3 and text.isascii() and text.isalpha() else ""


def read_amount(properties: Mapping[str, Any], names: Sequence[str] = TOTALS) -> Amount:
    """The first of the named properties that is not empty and can be read; else the sum of price
    times quantity of `products`."""
    currency = currency_of(properties)
    problems: list[str] = []
    for name in names:
        value = properties.get(name)
        if is_absent(value):
            continue
        found = hundredths_of(value, currency)
        if found is not None:
            return Amount(found, currency, tuple(problems))
        problems.append("unreadable_money")
    products = properties.get("products")
    if isinstance(products, list) and products:
        found, odd = _of_products(products, currency)
        if odd:
            problems.append("unreadable_money")
        if found is not None:
            return Amount(found, currency, tuple(dict.fromkeys(problems)))
    return Amount(None, currency, tuple(dict.fromkeys(problems)))


def hundredths_of(value: Any, currency: str = "") -> int | None:
    """Hundredths of the currency unit of a number or a text that is one; None where it is none, or
    more than `streams.values.money.LARGEST`."""
    if type(value) is float and -_EXACT < value < _EXACT:
        cents = round(value * 100)
        if abs(value * 100 - cents) < _NEAR:  # two decimals, as most amounts have
            return cents
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        if isinstance(value, str):
            amount = parse_number(value, whole=currency in WITHOUT_DECIMALS)
        else:
            amount = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not amount.is_finite() or abs(amount) > LARGEST // 100:
            return None
        return int((amount * 100).to_integral_value(ROUND_HALF_UP))
    except (ValueError, ArithmeticError):
        return None


def _of_products(products: Sequence[Any], currency: str) -> tuple[int | None, bool]:
    """(sum of price times quantity in hundredths, whether a price or quantity could not be read).
    No sum where no product has a price, or one of them has none that can be read."""
    total, priced, odd = Decimal(0), 0, False
    for product in products:
        if not isinstance(product, Mapping) or is_absent(product.get("price")):
            continue
        price = hundredths_of(product["price"], currency)
        quantity = Decimal(1)
        if not is_absent(product.get("quantity")):
            count = hundredths_of(product["quantity"])
            quantity = Decimal(-1) if count is None else Decimal(count) / 100
        if price is None or quantity < 0:
            odd = True
            continue
        priced += 1
        total += price * quantity
    if odd or not priced:
        return None, odd
    found = int(total.to_integral_value(ROUND_HALF_UP))
    return (found, False) if abs(found) <= LARGEST else (None, True)
