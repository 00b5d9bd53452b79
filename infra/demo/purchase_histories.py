"""Real purchase histories: the CDNOW cohort of 1997 and 1998 (Fader and Hardie), a tenth of it,
which the PyPI distribution `lifetimes` (MIT) carries. Dates, amounts and numbers are the file's.
"""

from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import msgspec

from infra.demo.moments import iso

SOURCE = "lifetimes/datasets/CDNOW_sample.txt"

# Noon, so that the day is the same in every zone between the Americas and Korea.
_TIME_OF_DAY = time(12, tzinfo=UTC)


class Purchase(msgspec.Struct, frozen=True):
    """One transaction."""

    day: date
    compact_discs: int
    cents: int
    """Hundredths of a US dollar."""


class History(msgspec.Struct, frozen=True):
    """All transactions of one customer, first to last."""

    customer_id: str
    purchases: tuple[Purchase, ...]


def history_file() -> Path | None:
    """Where the file is; None where `lifetimes` is not installed. It is not imported: its
    dependencies are outdated."""
    try:
        path = Path(str(distribution("lifetimes").locate_file(SOURCE)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def read_histories(path: Path) -> list[History]:
    """Every customer's history, those who bought first first. ValueError for another file.

    A line: id in the whole cohort, id in the sample, date YYYYMMDD, number of CDs, dollars.
    """
    found: dict[str, list[Purchase]] = {}
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        try:
            cohort_id, _, day, discs, dollars = line.split()
            purchase = Purchase(
                datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date(),
                int(discs),
                round(float(dollars) * 100),
            )
        except ValueError as problem:
            raise ValueError(f"{path}:{number}: {problem}") from None
        found.setdefault(f"cdnow-{cohort_id}", []).append(purchase)
    histories = [
        History(customer, tuple(sorted(purchases, key=lambda purchase: purchase.day)))
        for customer, purchases in found.items()
    ]
    return sorted(histories, key=lambda history: (history.purchases[0].day, history.customer_id))


def order_items(history: History) -> list[dict[str, Any]]:
    """The history as `Order Completed` items with their true dates, first to last, for one batch:
    between two, a deadline could come due on half a history.

    Message ids depend on the history alone. Sent again it counts once, but for the 13 customers
    with more than 24 orders: a profile remembers 32 ids, those of deadlines among them.
    """
    items = []
    earlier: dict[date, int] = {}
    for number, purchase in enumerate(history.purchases, 1):
        minutes = earlier.get(purchase.day, 0)
        earlier[purchase.day] = minutes + 1
        moment = datetime.combine(purchase.day, _TIME_OF_DAY) + timedelta(minutes=minutes)
        order_id = f"{history.customer_id}-{number}"
        items.append(
            {
                "type": "track",
                "event": "Order Completed",
                "messageId": order_id,
                "timestamp": iso(int(moment.timestamp() * 1000)),
                "userId": history.customer_id,
                "properties": {
                    "order_id": order_id,
                    "total": purchase.cents / 100,
                    "currency": "USD",
                    "products": [
                        {
                            "product_id": "cd",
                            "name": "Compact disc",
                            "category": "cd",
                            "quantity": purchase.compact_discs,
                        }
                    ],
                },
            }
        )
    return items
