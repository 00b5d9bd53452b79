"""Simulated contacts of the same customers on other channels: calls, e-mails, letters."""

from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any
from uuid import UUID

from infra.demo.catalogue import CURRENCY, PRODUCTS
from infra.demo.moments import iso

MAX_GAP_MS = 60_000
"""After a longer pause the gap is skipped."""

_OPERATORS = ("Hanna", "Jiho", "Miguel", "Nora", "Seojun", "Tariq")
_COMPLAINTS = {
    "delivery": ("parcel is late", "parcel was left in the rain"),
    "quality": ("seam came open", "zip is stuck"),
    "invoice": ("charged twice", "discount is missing"),
    "return": ("refund has not come",),
}
_QUESTIONS = {
    "sizes": ("does it run small?",),
    "delivery": ("do you ship abroad?", "when will it come?"),
    "care": ("how is it washed?",),
}
_RESOLVED = 0.8
_PHONE_ORDER = 0.4


class CallCentre:
    """A stream of contacts in the order of time; the same `random` gives the same stream."""

    def __init__(self, random: Random, began: int, cases_per_minute: float) -> None:
        """`began`: milliseconds since 1970."""
        self._random = random
        self._every_ms = 60_000 / cases_per_minute
        self._next = float(began)
        self._count = 0
        self._coming: list[tuple[int, int, dict[str, Any]]] = []

    def until(self, now: int, customers: Sequence[str]) -> list[dict[str, Any]]:
        """The contacts up to `now` (milliseconds) that were not returned yet, as
        `POST /v1/contact` takes them; new cases are about one of `customers`."""
        self._next = max(self._next, float(now - MAX_GAP_MS))
        while self._next <= now:
            if customers:
                self._new_case(self._random.choice(customers), int(self._next))
            self._next += self._random.expovariate(1 / self._every_ms)
        contacts = []
        while self._coming and self._coming[0][0] <= now:
            contacts.append(heappop(self._coming)[2])
        return contacts

    def _new_case(self, customer: str, at: int) -> None:
        kind = self._random.choices(("complaint", "question", "inquiry"), (45, 30, 25))[0]
        if kind == "complaint":
            self._complaint(customer, at)
        elif kind == "question":
            self._question(customer, at)
        else:
            self._inquiry(customer, at)

    def _complaint(self, customer: str, at: int) -> None:
        about = self._random.choice(list(_COMPLAINTS))
        case = {"about": about, "subject": self._random.choice(_COMPLAINTS[about])}
        channel = self._random.choices(("call", "email", "letter"), (60, 30, 10))[0]
        self._add(at, customer, _inbound("complaint.opened", channel, case))
        at = self._later(at, 40)
        self._add(at, customer, _outbound("complaint.acknowledged", "email", case))
        at = self._later(at, 60)
        self._add(at, customer, _outbound("complaint.working", "call", case))
        if self._random.random() < _RESOLVED:
            at = self._later(at, 120)
            channel = self._random.choice(("call", "email", "letter"))
            self._add(at, customer, _outbound("complaint.resolved", channel, case, "solved"))

    def _question(self, customer: str, at: int) -> None:
        about = self._random.choice(list(_QUESTIONS))
        case = {"about": about, "subject": self._random.choice(_QUESTIONS[about])}
        channel = self._random.choice(("call", "email"))
        self._add(at, customer, _inbound("question.asked", channel, case))
        at = self._later(at, 45)
        self._add(at, customer, _outbound("question.answered", channel, case, "answered"))

    def _inquiry(self, customer: str, at: int) -> None:
        product = self._random.choice(list(PRODUCTS.values()))
        case = {"category": product.slug, "subject": product.name}
        self._add(at, customer, _inbound("product.inquiry", "call", case, "informed"))
        if self._random.random() < _PHONE_ORDER:
            order = {**case, "total": product.price, "currency": CURRENCY}
            at = self._later(at, 60)
            self._add(at, customer, _inbound("order.placed", "call", order, "ordered"))

    def _later(self, at: int, seconds: float) -> int:
        return at + 5_000 + int(self._random.expovariate(1 / seconds) * 1000)

    def _add(self, at: int, customer: str, contact: dict[str, Any]) -> None:
        contact |= {
            "message_id": str(UUID(int=self._random.getrandbits(128), version=4)),
            "user_id": customer,
            "operator": self._random.choice(_OPERATORS),
            "occurred_at": iso(at),
        }
        self._count += 1
        heappush(self._coming, (at, self._count, contact))


def _inbound(
    code: str, channel: str, properties: dict[str, Any], outcome: str | None = None
) -> dict[str, Any]:
    return _contact("inbound", code, channel, properties, outcome)


def _outbound(
    code: str, channel: str, properties: dict[str, Any], outcome: str | None = None
) -> dict[str, Any]:
    return _contact("outbound", code, channel, properties, outcome)


def _contact(
    direction: str, code: str, channel: str, properties: dict[str, Any], outcome: str | None
) -> dict[str, Any]:
    contact: dict[str, Any] = {
        "code": code, "channel": channel, "direction": direction, "properties": properties,
    }  # fmt: skip
    if outcome is not None:
        contact["outcome"] = outcome
    return contact
