"""A next offer through the real stack: what became of it is counted once, whatever is sent twice
and whoever is killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from infra.redis.keys import counts_key
from streams.models.offer_outcomes import KIND
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

SHOP = """
version: 1
ladders: {product: [introduction, details, purchase]}
match:
  - {event: Product Shown, topic: "product/{category}", stage: introduction}
  - {event: Product Opened, topic: "product/{category}", stage: details}
triggers:
  - {name: next, when: offer.next, topic: product/*, stages: [details], least_customers: 5}
"""

TEACHERS = 6
"""Customers who go from shoes to socks, and as many from coats to hats."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    """A stack of one partition, for each partition learns from its own customers."""
    playbook = tmp_path / "shop.yaml"
    playbook.write_text(SHOP)
    running = RunningStack(tmp_path, DAEHWA_PLAYBOOK=str(playbook), DAEHWA_PARTITIONS="1")
    try:
        yield running
    finally:
        running.stop()


def happened(customer: str, name: str, category: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "userId": customer,
        "messageId": str(uuid4()),
        "properties": {"category": category},
    }


def all_folded(stack: RunningStack) -> None:
    """Waits for a customer who comes after everybody: there is one partition."""
    sentinel = f"sentinel-{uuid4()}"
    assert stack.send(happened(sentinel, "Product Shown", "gloves")).status_code == 200
    wait_until(lambda: stack.customer(sentinel), within=60)


def outcomes(stack: RunningStack) -> dict[str, int]:
    """Field -> count, as it is in Redis."""
    with Redis.from_url(stack.environment["DAEHWA_REDIS_URL"], decode_responses=True) as redis:
        return {name: int(count) for name, count in redis.hgetall(counts_key(0, KIND)).items()}


def seen_by(stack: RunningStack, customer: str) -> dict[str, tuple[int, int]]:
    """Next offer in the 360° view -> (shown, taken)."""
    offers = stack.customer(customer)["next_offers"]
    return {offer["topic"]: (offer["shown"], offer["taken"]) for offer in offers}


@pytest.mark.destructive
def test_shown_and_taken_are_counted_once(stack: RunningStack) -> None:
    for first, second in (("shoes", "socks"), ("coats", "hats")):
        for number in range(TEACHERS):
            teacher = f"{first}-{number}"
            stack.send(happened(teacher, "Product Shown", first))
            stack.send(happened(teacher, "Product Shown", second))
    onlooker = happened("onlooker", "Product Shown", "shoes")
    stack.send(onlooker)
    all_folded(stack)
    assert outcomes(stack) == {}

    opened = happened("customer", "Product Opened", "shoes")
    stack.send(opened)
    (offered,) = wait_until(lambda: stack.triggers("customer"), within=30)
    assert (offered["type"], offered["topic"]) == ("offer.next", "product/socks")
    assert offered["decision"] == "fire"
    assert (offered["why"]["from"], offered["why"]["seen"]) == ("product/shoes", TEACHERS)
    begun = happened("customer", "Product Shown", "socks")
    stack.send(opened)
    stack.send(begun)
    stack.kill("dialogue")
    stack.send(opened, begun)
    wait_until(lambda: stack.has("dialogue"), within=30)
    stack.send(begun)
    all_folded(stack)

    segment = "product/socks\x1fprospect\x1f"
    assert outcomes(stack) == {f"{segment}shown": 1, f"{segment}taken": 1}
    assert len(stack.triggers("customer")) == 1
    # The view reads what was learned every few seconds.
    wait_until(lambda: seen_by(stack, "onlooker")["product/socks"] == (1, 1), within=60)
