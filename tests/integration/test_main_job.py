"""From a click to the dialogue, the trigger and the archive, through every real part."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from streams.identity.partitioning import partition_of
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until


def page(visitor: str, path: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "page",
        "anonymousId": visitor,
        "messageId": str(uuid4()),
        "properties": {"path": path},
        **more,
    }


def track(who: dict[str, str], name: str, at: datetime, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "messageId": str(uuid4()),
        "timestamp": at.isoformat(),
        "properties": properties,
        **who,
    }


def new(name: str) -> str:
    return f"{name}-{uuid4()}"


def test_three_pages_of_a_product_become_one_dialogue(stack: RunningStack) -> None:
    visitor = new("visitor")
    paths = ["/products/shoes", "/products/shoes/details", "/products/shoes/purchase"]
    assert stack.send(*(page(visitor, path) for path in paths)).json() == {"success": True}

    view = wait_until(lambda: stack.customer(visitor))
    dialogue = view["dialogues"]["product/shoes"]
    assert {name: span["count"] for name, span in dialogue["stages"].items()} == {
        "introduction": 1,
        "details": 1,
        "purchase": 1,
    }
    assert (dialogue["stage"], dialogue["furthest"]) == ("purchase", "purchase")
    reached = wait_until(lambda: stack.triggers(visitor))
    assert {trigger["stage"] for trigger in reached if trigger["type"] == "stage.reached"} == {
        "details",
        "purchase",
    }
    count = f"select count() from daehwa.events where anonymous_id = '{visitor}'"
    wait_until(lambda: stack.sql(count) == [(3,)])


def test_the_same_events_sent_twice_change_nothing(stack: RunningStack) -> None:
    visitor = new("visitor")
    batch = [page(visitor, "/products/hats"), page(visitor, "/products/hats/details")]
    marker = new("marker")
    for _ in range(2):
        assert stack.send(*batch).status_code == 200
    stack.send(page(visitor, "/about", properties={"path": "/about", "marker": marker}))

    view = wait_until(
        lambda: (v := stack.customer(visitor)) and v["lifecycle"]["events"] == 3 and v
    )
    stages = view["dialogues"]["product/hats"]["stages"]
    assert {name: span["count"] for name, span in stages.items()} == {
        "introduction": 1,
        "details": 1,
    }
    count = f"select count() from daehwa.events where anonymous_id = '{visitor}'"
    wait_until(lambda: stack.sql(count) == [(3,)])
    assert len([t for t in stack.triggers(visitor) if t["stage"] == "details"]) == 1


def test_a_visitor_who_logs_in_keeps_the_history(stack: RunningStack) -> None:
    visitor, customer = new("visitor"), new("customer")
    stack.send(page(visitor, "/products/bags"), page(visitor, "/products/bags/details"))
    wait_until(lambda: stack.customer(visitor))
    stack.send(
        {
            "type": "identify",
            "anonymousId": visitor,
            "userId": customer,
            "messageId": str(uuid4()),
            "traits": {"email": "a@b.example", "plan": "gold"},
        }
    )
    view = wait_until(
        lambda: (v := stack.customer(customer)) and "product/bags" in v["dialogues"] and v
    )
    assert view["traits"]["plan"] == "gold"
    # What the browser still sends under the old id alone arrives at the customer too.
    stack.send(page(visitor, "/products/bags/purchase"))
    wait_until(
        lambda: stack.customer(customer)["dialogues"]["product/bags"]["furthest"] == "purchase"
    )
    assert stack.customer(visitor)["customer_id"] == customer
    assert stack.customer(customer)["lifecycle"]["events"] == 4


def test_a_cart_that_was_left_is_told_through_the_log(stack: RunningStack) -> None:
    customer = new("customer")
    left_at = datetime.now(UTC) - timedelta(minutes=30) + timedelta(seconds=1)
    stack.send(track({"userId": customer}, "Product Added", left_at, category="Lamps"))
    sent_at = time.monotonic()
    stalled = wait_until(
        lambda: [t for t in stack.triggers(customer) if t["type"] == "stage.stalled"]
    )
    assert time.monotonic() - sent_at < 5
    (trigger,) = stalled
    assert (trigger["topic"], trigger["stage"]) == ("product/lamps", "cart")
    assert "left product/lamps at cart" in trigger["reason"]
    timers = (
        "select count() from daehwa.internal_events "
        f"where profile_key = '{customer}' and type = 'timer'"
    )
    wait_until(lambda: stack.sql(timers) == [(1,)])


def test_a_customer_who_stopped_buying_is_at_risk(stack: RunningStack) -> None:
    customer = new("customer")
    first = datetime(1997, 1, 5, tzinfo=UTC)
    stack.send(
        *(
            track(
                {"userId": customer},
                "Order Completed",
                first + timedelta(weeks=week),
                category="cd",
                total=29.33,
                currency="USD",
            )
            for week in (0, 4, 9, 12)
        )
    )
    (trigger,) = wait_until(
        lambda: [t for t in stack.triggers(customer) if t["type"] == "churn.risk"]
    )
    assert trigger["decision"] == "fire"
    assert "bought on 4 days, last on 1997-03-30" in trigger["reason"]
    assert trigger["why"]["p_alive"] == pytest.approx(0.5, abs=0.001)
    view = stack.customer(customer)
    assert view["lifecycle"]["purchases"] == 4
    assert view["churn"]["p_alive"] < 0.01


def test_the_next_offer_is_learned_from_other_customers(stack: RunningStack) -> None:
    partitions = int(stack.environment["DAEHWA_PARTITIONS"])
    partition = partition_of("offer-seed", partitions)
    names = [new("shopper") for _ in range(400)]
    shoppers = [name for name in names if partition_of(name, partitions) == partition]
    now = datetime.now(UTC)
    # What follows one topic is worth telling only if less of it follows the others.
    ways = (("tents", "lanterns"), ("tents", "lanterns"), ("tents", "kites"), ("maps", "compasses"))
    for start in range(0, len(shoppers), 20):
        stack.send(
            *(
                track({"userId": who}, "Product Viewed", now, category=category)
                for number, who in enumerate(shoppers[start : start + 20])
                for category in ways[number % len(ways)]
            )
        )
    wait_until(lambda: stack.customer(shoppers[-1]))
    new_shopper = next(
        name for name in (new("new") for _ in range(400))
        if partition_of(name, partitions) == partition
    )  # fmt: skip
    bought = [{"category": "tents"}]
    stack.send(track({"userId": new_shopper}, "Order Completed", now, total=99, products=bought))
    (offer,) = wait_until(
        lambda: [t for t in stack.triggers(new_shopper) if t["type"] == "offer.next"]
    )
    assert offer["topic"] == "product/lanterns"
    assert offer["reason"].startswith("after product/tents ")


def test_somebody_who_said_no_is_left_alone(stack: RunningStack) -> None:
    customer = new("customer")
    stack.send(
        {
            "type": "identify",
            "userId": customer,
            "messageId": str(uuid4()),
            "traits": {"consent": False},
        }
    )
    stack.send(track({"userId": customer}, "Product Viewed", datetime.now(UTC), category="toys"))
    (trigger,) = wait_until(lambda: stack.triggers(customer))
    assert (trigger["decision"], trigger["suppressed_by"]) == ("suppressed", "no_consent")
    assert stack.get(f"/v1/triggers?customer={customer}").json()["triggers"] == []


async def test_what_cannot_be_read_becomes_a_dead_letter_and_stops_nothing(
    stack: RunningStack,
) -> None:
    customer, marker = new("customer"), new("marker")
    partition = partition_of(customer, int(stack.environment["DAEHWA_PARTITIONS"]))
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.environment["DAEHWA_KAFKA_URL"].removeprefix("kafka://")
    )
    await producer.start()
    try:
        junk = [b"\xff\xfe not json " + marker.encode(), b'[{"type": "track"}, 7]', b"", b"null"]
        for value in junk:
            await producer.send_and_wait("daehwa.events", value, partition=partition)
    finally:
        await producer.stop()
    stack.send(track({"userId": customer}, "Product Viewed", datetime.now(UTC), category="toys"))
    wait_until(lambda: stack.customer(customer))
    letters = f"select reason from daehwa.dead_letters where position(payload, '{marker}') > 0"
    wait_until(lambda: stack.sql(letters) == [("unreadable",)])


async def test_an_event_in_the_wrong_partition_finds_its_customer(stack: RunningStack) -> None:
    customer = new("customer")
    partitions = int(stack.environment["DAEHWA_PARTITIONS"])
    wrong = (partition_of(customer, partitions) + 1) % partitions
    at = int(time.time() * 1000)
    event = (
        f'{{"message_id": "{uuid4()}", "type": "page", "user_id": "{customer}", '
        f'"occurred_at": {at}, "received_at": {at}, "properties": {{"path": "/products/lamps"}}}}'
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.environment["DAEHWA_KAFKA_URL"].removeprefix("kafka://")
    )
    await producer.start()
    try:
        await producer.send_and_wait("daehwa.events", event.encode(), partition=wrong)
    finally:
        await producer.stop()
    view = wait_until(lambda: stack.customer(customer))
    assert view["lifecycle"]["events"] == 1
