"""A made-up history of customers on all channels, told as events and triggers, with what each event
says told beside it: an oracle reads the second, the archive the first.

Visitors who sign in late, or on somebody else's device, orders that are copied, updated, refunded
and cancelled, complaints, calls, mails and consents; a part of the events arrives twice or late.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from schemas.event import WireEvent
from schemas.trigger import Trigger

DAY = 86_400_000
HOUR = 3_600_000
START = 1_736_121_600_000
"""Monday, 6 January 2025."""

DAYS = 240
SLA_MS = 48 * HOUR
CATEGORIES = ("shoes", "socks", "hats", "tents", "lamps", "bikes")
MATTERS = ("delivery", "quality", "invoice")
OPERATORS = ("kim", "lee", "park")
PRODUCT_LADDER = {"introduction": 0, "details": 1, "cart": 2, "checkout": 3, "purchase": 4}
COMPLAINT_LADDER = {"opened": 0, "acknowledged": 1, "working": 2, "resolved": 3}


@dataclass(frozen=True)
class Stage:
    """A topic that an event brings to a stage."""

    topic: str
    stage: str
    rank: int = 0
    end: bool = False


@dataclass(frozen=True)
class OrderStep:
    """What an event tells of an order, in hundredths."""

    step: str
    order_id: str
    amount: int | None = None
    currency: str = "EUR"
    refund_id: str = ""


@dataclass(frozen=True)
class Fact:
    """An event and what it says. The first receipt of several."""

    event: WireEvent
    stages: tuple[Stage, ...] = ()
    exits: tuple[tuple[str, str], ...] = ()
    order: OrderStep | None = None
    finding: str = ""
    consents: tuple[tuple[str, bool], ...] = ()

    @property
    def who(self) -> str:
        return self.event.user_id or self.event.anonymous_id or self.event.key or ""


@dataclass(frozen=True)
class Case:
    """A complaint. Times in milliseconds."""

    customer: str
    topic: str
    opened: int
    acknowledged: int | None
    resolved: int | None
    withdrawn: int | None


@dataclass
class History:
    """Everything that happened, once, and how it arrived."""

    facts: list[Fact] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    arrivals: list[WireEvent] = field(default_factory=list)
    """As the log has them: late ones, copies of merged profiles and second receipts among them."""


class _Person:
    def __init__(self, number: int, chance: random.Random) -> None:
        self.user = f"user-{number}"
        self.signs_in_at = START + chance.randrange(DAYS) * DAY if chance.random() < 0.6 else None
        self.begins = START + chance.randrange(DAYS - 40) * DAY
        self.visitors = [f"visitor-{number}-{index}" for index in range(chance.choice((1, 1, 2)))]
        self.orders = 0
        self.quiet_from = 0
        """No complaint before: the last one is not over."""

    def ids(self, at: int, chance: random.Random) -> dict[str, str | None]:
        signed_in = self.signs_in_at is not None and at >= self.signs_in_at
        return {
            "anonymous_id": chance.choice(self.visitors),
            "user_id": self.user if signed_in else None,
        }


def crm_history(events: int, seed: int) -> History:
    """A history of about so many events."""
    return _Teller(seed).tell(events)


class _Teller:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._history = History()
        self._number = 0

    def tell(self, events: int) -> History:
        chance, history = self._chance, self._history
        people = [_Person(number, chance) for number in range(max(events // 60, 20))]
        self._models()
        self._identities(people)
        self._kiosk()
        while len(history.facts) < events:
            person = chance.choice(people)
            span = max(START + DAYS * DAY - person.begins, DAY)
            self._session(person, person.begins + round(span * chance.random() ** 1.5))
        self._arrive()
        return history

    # What happens

    def _session(self, person: _Person, at: int) -> None:
        chance = self._chance
        kind = chance.random()
        if kind < 0.78:
            self._visit(person, at)
        elif kind < 0.86:
            self._call(person, at)
        elif kind < 0.90:
            self._complain(person, at)
        elif kind < 0.94:
            self._ask(person, at)
        elif kind < 0.96:
            self._consent(person, at)
        else:
            self._trigger(person, at)

    def _visit(self, person: _Person, at: int) -> None:
        chance = self._chance
        category = chance.choice(CATEGORIES)
        for name, stage in (
            ("Product List Viewed", "introduction"),
            ("Product Viewed", "details"),
            ("Product Added", "cart"),
        ):
            if chance.random() < 0.75:
                at += chance.randrange(1_000, 600_000)
                stages = (_product(category, stage),)
                off = chance.random() < 0.01
                self._say(
                    Fact(
                        self._track(
                            person, at, name, {"category": category}, at + 2 * DAY if off else None
                        ),
                        stages,
                        finding="clock_wrong" if off else "",
                    )
                )
        if chance.random() < 0.05:
            exits = ((f"product/{category}", "cart"), (f"product/{category}", "checkout"))
            self._say(
                Fact(
                    self._track(person, at + 5_000, "Product Removed", {"category": category}),
                    exits=exits,
                )
            )
        if chance.random() < 0.02:
            self._say(
                Fact(
                    self._track(person, at + 7_000, "Invite Sent", {}),
                    (Stage("referral/friends", "recommended"),),
                )
            )
        if chance.random() < 0.3:
            self._order(person, at + chance.randrange(60_000, HOUR), category)

    def _order(self, person: _Person, at: int, category: str) -> None:
        chance = self._chance
        person.orders += 1
        order_id = f"{person.user}-{person.orders}"
        amount = chance.randrange(500, 20_000)
        currency = "KRW" if chance.random() < 0.1 else "EUR"
        others = [one for one in CATEGORIES if one != category and chance.random() < 0.15]
        names = [category, *others]
        products = [{"category": name, "price": 1} for name in names]
        told = {"order_id": order_id, "total": amount / 100, "currency": currency}
        placed = tuple(_product(name, "purchase") for name in names)
        self._say(
            Fact(
                self._track(person, at - 30_000, "Checkout Started", {"products": products}),
                tuple(_product(name, "checkout") for name in names),
            )
        )
        step = OrderStep("placed", order_id, amount, currency)
        event = self._track(person, at, "Order Completed", {**told, "products": products})
        self._say(Fact(event, placed, order=step))
        if chance.random() < 0.1:  # the page is reloaded
            again = self._track(
                person, at + 90_000, "Order Completed", {**told, "products": products}
            )
            self._say(Fact(again, placed, order=step))
        fate = chance.random()
        if fate < 0.08:
            part = chance.randrange(1, amount + 1_000)
            back = {
                "order_id": order_id,
                "total": part / 100,
                "currency": currency,
                "refund_id": "r1",
            }
            refund = OrderStep("refunded", order_id, part, currency, "r1")
            self._say(Fact(self._track(person, at + 3 * DAY, "Order Refunded", back), order=refund))
        elif fate < 0.12:
            changed = amount + 1_000
            told = {**told, "total": changed / 100}
            update = OrderStep("updated", order_id, changed, currency)
            self._say(Fact(self._track(person, at + HOUR, "Order Updated", told), order=update))
        elif fate < 0.16:
            cancelled = {"order_id": order_id, "products": products}
            exits = tuple((f"product/{name}", "purchase") for name in names)
            event = self._track(person, at + DAY, "Order Cancelled", cancelled)
            self._say(Fact(event, exits=exits, order=OrderStep("cancelled", order_id)))

    def _call(self, person: _Person, at: int) -> None:
        chance = self._chance
        missed = chance.random() < 0.2
        properties: dict[str, object] = {"ringing_s": chance.randrange(1, 90)}
        if not missed:
            properties["duration_s"] = chance.randrange(10, 900)
        self._say(
            Fact(
                self._contact(
                    person,
                    at,
                    "call",
                    "call.missed" if missed else "call.ended",
                    properties,
                    direction=chance.choice(("inbound", "inbound", "outbound")),
                    operator=None if missed else chance.choice(OPERATORS),
                )
            )
        )

    def _complain(self, person: _Person, at: int) -> None:
        chance = self._chance
        if at <= person.quiet_from:
            return
        topic = f"complaint/{chance.choice(MATTERS)}"
        about = {"about": topic.partition("/")[2]}
        times: dict[str, int | None] = dict.fromkeys(("acknowledged", "resolved", "withdrawn"))
        channel = chance.choice(("call", "email"))

        def said(stage: str, when: int) -> None:
            event = self._contact(person, when, channel, f"complaint.{stage}", about)
            rank = COMPLAINT_LADDER[stage]
            self._say(Fact(event, (Stage(topic, stage, rank, stage == "resolved"),)))

        said("opened", at)
        if chance.random() < 0.5:
            times["acknowledged"] = at + HOUR
            said("acknowledged", at + HOUR)
        fate = chance.random()
        end = at + chance.randrange(2 * HOUR, 5 * DAY)
        if fate < 0.7:
            times["resolved"] = end
            said("resolved", end)
        elif fate < 0.85:
            times["withdrawn"] = end
            exits = tuple((topic, stage) for stage in ("opened", "acknowledged", "working"))
            event = self._contact(person, end, channel, "complaint.withdrawn", about)
            self._say(Fact(event, exits=exits))
        else:
            end = START + 2 * DAYS * DAY
        person.quiet_from = end + HOUR
        self._history.cases.append(Case(person.user, topic, at, **times))

    def _ask(self, person: _Person, at: int) -> None:
        chance = self._chance
        topic = f"service/{chance.choice(MATTERS)}"
        about = {"about": topic.partition("/")[2]}
        operator = chance.choice(OPERATORS)
        channel = chance.choice(("call", "chat", "email"))
        for again in range(chance.choice((1, 1, 1, 2, 3))):
            when = at + again * chance.randrange(DAY, 6 * DAY)
            event = self._contact(person, when, channel, "question.asked", about, operator=operator)
            self._say(Fact(event, (Stage(topic, "asked"),)))
        answer = self._contact(
            person, at + HOUR, channel, "question.answered", about, direction="outbound"
        )
        self._say(Fact(answer, (Stage(topic, "answered", 1, True),)))

    def _consent(self, person: _Person, at: int) -> None:
        chance = self._chance
        said = {name: chance.random() < 0.7 for name in ("email", "call") if chance.random() < 0.7}
        if not said:
            return
        event = msgspec.structs.replace(
            self._track(person, at, None, {"consent": said}), type="identify"
        )
        self._say(Fact(event, consents=tuple(said.items())))

    def _trigger(self, person: _Person, at: int) -> None:
        chance = self._chance
        kind = chance.choice(("churn.risk", "offer.next", "lifecycle.changed", "stage.stalled"))
        topic, reason, why = self._cause(kind, at)
        spoken = kind in ("churn.risk", "stage.stalled")
        held_out = spoken and chance.random() < 0.3
        suppressed = "holdout" if held_out else "cap" if chance.random() < 0.2 else None
        trigger = Trigger(
            id=f"trigger-{self._next()}",
            type=kind,
            rule={"churn.risk": "leaving", "stage.stalled": "cart-mail"}.get(kind, kind),
            customer_id=chance.choice([person.user, *person.visitors]),
            occurred_at=at - chance.randrange(500),
            decided_at=at,
            decision="suppressed" if suppressed else "fire",
            suppressed_by=suppressed,
            reason=reason,
            why=why,
            topic=topic,
            channel="email" if spoken else None,
            campaign="bring-back" if spoken else None,
            arm=None
            if not spoken or suppressed == "cap"
            else "held_out"
            if held_out
            else "treated",
            playbook="p1",
        )
        self._history.triggers.append(trigger)
        if trigger.decision == "fire" and trigger.channel:
            self._deliver(trigger)

    def _cause(self, kind: str, at: int) -> tuple[str | None, str, dict[str, object]]:
        chance = self._chance
        if kind == "churn.risk":
            value = chance.randrange(100, 9_000) / 100
            return None, "silent", {
                "p_alive": chance.randrange(100) / 100,
                "value_at_stake": value,
                "residual_value_if_kept": value * 2,
                "currency": "EUR",
                "horizon_weeks": 39.0,
                "model": "fitted",
            }  # fmt: skip
        if kind == "offer.next":
            lift = chance.choice((0.5, 1.5, 2.5))
            other = "shoes goes well with hats" if lift < 1 and chance.random() < 0.5 else "often"
            why: dict[str, object] = {"from": "product/shoes", "lift": lift, "share": 0.2}
            return f"product/{chance.choice(CATEGORIES)}", other, why
        if kind == "lifecycle.changed":
            before, after = chance.sample(("prospect", "customer", "regular", "dormant"), 2)
            return None, "changed", {"from": before, "to": after, "message_id": f"m{self._next()}"}
        return f"product/{chance.choice(CATEGORIES)}", "left", {"after_ms": 1}

    def _deliver(self, trigger: Trigger) -> None:
        chance = self._chance
        fate = chance.random()
        outcome = "delivered" if fate < 0.85 else "failed" if fate < 0.93 else "withheld"
        at = trigger.decided_at + chance.randrange(200, 120_000)
        self._say(Fact(_outcome(trigger, outcome, "outbound", at)))
        if outcome == "delivered" and chance.random() < 0.5:
            self._say(Fact(_outcome(trigger, "opened", "inbound", at + HOUR)))
            if chance.random() < 0.5:
                self._say(Fact(_outcome(trigger, "clicked", "inbound", at + 2 * HOUR)))

    # Who it is

    def _models(self) -> None:
        for version, day in (("a1", 0), ("b2", 100)):
            at = START + day * DAY
            self._say(
                Fact(
                    WireEvent(
                        message_id=f"adopt:model.churn:{version}:{at}:0",
                        type="adopt",
                        name="model.churn",
                        channel="daehwa",
                        occurred_at=at,
                        received_at=at,
                    )
                )
            )

    def _identities(self, people: list[_Person]) -> None:
        for number, person in enumerate(people):
            if person.signs_in_at is None:
                continue
            for visitor in person.visitors:
                self._say(Fact(_merge(visitor, person.user, person.signs_in_at)))
            if number % 15 == 0:  # the customer gets another id
                self._say(Fact(_merge(person.user, f"{person.user}:new", person.signs_in_at + DAY)))
            if number % 17 == 1:  # somebody else signs in on the same device, and stays
                other = people[(number + 1) % len(people)]
                self._say(Fact(_merge(person.visitors[0], other.user, person.signs_in_at + DAY)))

    def _kiosk(self) -> None:
        for number in range(9):
            at = START + 50 * DAY + number
            event = WireEvent(
                message_id=f"kiosk-{number}",
                type="track",
                name="Store Entered",
                anonymous_id="kiosk",
                user_id=f"user-{number}",
                channel="store",
                occurred_at=at,
                received_at=at,
                source="shop",
            )
            self._say(Fact(event))

    # How it is told

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _track(
        self,
        person: _Person,
        at: int,
        name: str | None,
        properties: dict[str, object],
        sent_at: int | None = None,
    ) -> WireEvent:
        chance = self._chance
        return WireEvent(
            message_id=f"m-{self._next()}",
            type="track",
            name=name,
            channel="app" if chance.random() < 0.2 else "web",
            occurred_at=at,
            received_at=at + chance.randrange(2_000),
            sent_at=sent_at,
            source="shop",
            properties=msgspec.Raw(msgspec.json.encode(properties)),
            **person.ids(at, chance),  # type: ignore[arg-type]
        )

    def _contact(  # noqa: PLR0913 - the fields of a contact
        self,
        person: _Person,
        at: int,
        channel: str,
        code: str,
        properties: dict[str, object],
        *,
        direction: str = "inbound",
        operator: str | None = None,
    ) -> WireEvent:
        return WireEvent(
            message_id=f"c-{self._next()}",
            type="contact",
            name=code,
            channel=channel,
            direction=direction,  # type: ignore[arg-type]
            operator=operator,
            user_id=person.user,
            occurred_at=at,
            received_at=at + self._chance.randrange(60_000),
            source="call-centre",
            properties=msgspec.Raw(msgspec.json.encode(properties)),
        )

    def _say(self, fact: Fact) -> None:
        self._history.facts.append(fact)

    def _arrive(self) -> None:
        chance, history = self._chance, self._history
        first = [fact.event for fact in history.facts]
        first.sort(key=lambda event: event.received_at)
        for event in first:
            if chance.random() < 0.003:  # the second receipt stands first in the log
                again = event.received_at + chance.randrange(1, 1_000)
                history.arrivals.append(msgspec.structs.replace(event, received_at=again))
            history.arrivals.append(event)
            if chance.random() < 0.03:
                again = event.received_at + chance.randrange(1, 30 * DAY)
                history.arrivals.append(msgspec.structs.replace(event, received_at=again))
            if chance.random() < 0.01 and event.anonymous_id:
                copy = msgspec.structs.replace(event, key="elsewhere", hops=1)
                history.arrivals.append(copy)
        # One in eight arrives long after those around it.
        late = [event for event in history.arrivals if hash_of(event) % 8 == 0]
        history.arrivals = [event for event in history.arrivals if hash_of(event) % 8] + late


def hash_of(event: WireEvent) -> int:
    """The same for all receipts of an event and of its copies."""
    return sum(event.message_id.encode())


def batches(events: list[WireEvent], count: int) -> Iterator[list[WireEvent]]:
    """The events in so many batches, in their order."""
    size = -(-len(events) // count)
    for start in range(0, len(events), size):
        yield events[start : start + size]


def _product(category: str, stage: str) -> Stage:
    rank = PRODUCT_LADDER[stage]
    return Stage(f"product/{category}", stage, rank, stage == "purchase")


def _merge(visitor: str, customer: str, at: int) -> WireEvent:
    return WireEvent(
        message_id=f"merge:{visitor}:{customer}",
        type="merge",
        key=customer,
        channel="daehwa",
        occurred_at=at,
        received_at=at + 1,
    )


def _outcome(trigger: Trigger, outcome: str, direction: str, at: int) -> WireEvent:
    return WireEvent(
        message_id=f"delivery:{trigger.id}:{outcome}",
        type="contact",
        key=trigger.customer_id,
        channel="email",
        name=f"trigger.{outcome}",
        direction=direction,  # type: ignore[arg-type]
        outcome=outcome,
        occurred_at=at,
        received_at=at,
        source="delivery",
        properties=msgspec.Raw(msgspec.json.encode({"trigger_id": trigger.id})),
    )
