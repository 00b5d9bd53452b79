"""What one event tells of an order: which order, which step of its life, how much money."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from xxhash import xxh3_64_hexdigest

from schemas.event import Event
from schemas.orders import WHOLE
from streams.orders.amounts import TOTALS, is_absent, read_amount
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.matching import OrderStep
from streams.values.purchase_days import DAY

__all__ = ["ORDER_IDS", "STEPS", "Told", "told_of"]

STEPS = get_args(OrderStep)

ORDER_IDS = (
    "order_id", "orderId", "orderID", "order_number", "orderNumber", "order_no",
    "transaction_id", "transactionId",
)  # fmt: skip
"""Properties that hold the id of an order, the first that is there counts."""

REFUND_IDS = ("refund_id", "refundId", "return_id", "returnId", "credit_memo_id", "credit_note_id")
"""Properties that tell two refunds of one order apart."""

REFUND_TOTALS = ("refund_total", "refund_amount", "amount", *TOTALS)
"""Properties that state the money of a refund."""

MAX_ID_LENGTH = 100
"""Characters of an order id that are kept as they are; of a longer one a hash is."""

_PRODUCT_IDS = ("product_id", "sku", "variant", "name", "category")
_SEPARATOR = "\x1f"


class Told(msgspec.Struct, frozen=True, gc=False):
    """One event of the life of an order."""

    step: OrderStep
    key: str | None
    """Shop and order id, the key of `Profile.orders`; None for an order without an id."""
    order_id: str
    amount: int | None
    """Hundredths; less than 0 for a credit note; of a refund 0 or more, or `WHOLE` for everything;
    None where no amount was stated or could be read."""
    currency: str
    refund: str
    """The key of the refund among those of its order; "" for other steps."""
    problems: tuple[str, ...]
    """Names of `streams.quality.findings.CHECKS`."""


def told_of(event: Event, step: OrderStep, playbook: CompiledPlaybook) -> Told:
    """What the event says of an order, at that `step` of its life."""
    properties = event.properties
    order_id = _text_of(properties, playbook.order_ids or ORDER_IDS)
    shop = playbook.shop_of.get(event.source, event.source)
    key = None if order_id is None else f"{shop}{_SEPARATOR}{order_id}" if shop else order_id
    if step == "refunded":
        return _refund(event, key, order_id or "")
    found = read_amount(properties)
    amount, problems = found.hundredths, list(found.problems)
    if amount is not None and amount < 0:
        problems.append("negative_money")
    if step == "cancelled":
        amount, problems = None, []
    elif amount is None and not problems and step == "placed":
        problems.append("missing_money")
    if order_id is None:
        problems.append("missing_order_id")
    return Told(step, key, order_id or "", amount, found.currency, "", tuple(problems))


def _refund(event: Event, key: str | None, order_id: str) -> Told:
    properties = event.properties
    found = read_amount(properties, REFUND_TOTALS)
    amount, problems = found.hundredths, list(found.problems)
    products = properties.get("products")
    if amount is not None:
        amount = abs(amount)  # some senders give money back as a negative total
    elif not problems and is_absent(products):
        amount = WHOLE
    elif not problems:
        problems.append("refund_without_amount")
    if key is None:
        problems.append("missing_order_id")
    return Told(
        "refunded", key, order_id, amount, found.currency, _refund_key(event, amount),
        tuple(problems),
    )  # fmt: skip


def _refund_key(event: Event, amount: int | None) -> str:
    """The id of the refund, else a hash of what it gives back and of its day (UTC): a copy has the
    same one, and so has a second refund of the same money for the same products on that day."""
    named = _text_of(event.properties, REFUND_IDS)
    if named is not None:
        return named
    if amount == WHOLE:
        return "whole"
    products = event.properties.get("products")
    given_back = sorted(
        _SEPARATOR.join(
            str(product.get(name, "")) for name in (*_PRODUCT_IDS, "quantity")
        )
        for product in (products if isinstance(products, list) else ())
        if isinstance(product, Mapping)
    )  # fmt: skip
    content = _SEPARATOR.join([str(event.occurred_at // DAY), str(amount), *given_back])
    return xxh3_64_hexdigest(content.encode("utf-8", "surrogatepass"))


def _text_of(properties: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = properties.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value).strip()
        if text:
            if len(text) <= MAX_ID_LENGTH:
                return text
            return xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))
    return None
