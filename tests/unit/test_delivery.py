"""Kafka hears of a trigger only once it was delivered or given up, however often it comes."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from agents.delivery import app as delivery
from agents.delivery.app import MOST_ATTEMPTS, DeliveryWorker
from infra.settings import Settings
from infra.webhook import Delivery
from schemas.trigger import Trigger
from streams.codec import encode_trigger

AGAIN = Delivery("again", "the endpoint answered 503", 1.0)
DELIVERED = Delivery("delivered", "the endpoint answered 200")


class Record:
    def __init__(self, trigger_id: str = "trg_1") -> None:
        trigger = Trigger(
            id=trigger_id, type="stage.reached", rule="r", customer_id="u", occurred_at=1,
            decided_at=1, decision="fire", reason="because", why={},
        )  # fmt: skip
        self.value = encode_trigger(trigger)
        self.acknowledged = 0

    def ack(self) -> None:
        self.acknowledged += 1


class Endpoint:
    """Answers as told, once it may."""

    def __init__(self, *answers: Delivery) -> None:
        self.answers = list(answers)
        self.may = asyncio.Event()
        self.attempts = 0

    async def deliver(self, _: Trigger, __: datetime) -> Delivery:
        await self.may.wait()
        self.attempts += 1
        return self.answers.pop(0)

    async def close(self) -> None:
        pass


def worker_for(endpoint: Any) -> DeliveryWorker:
    worker = DeliveryWorker(Settings())
    worker._sender = endpoint
    return worker


async def test_what_comes_again_while_it_is_under_way_is_acknowledged_with_it() -> None:
    endpoint = Endpoint(DELIVERED)
    worker = worker_for(endpoint)
    first, again, later = Record(), Record(), Record()
    await worker.hand_over(first)
    await worker.hand_over(again)
    assert (first.acknowledged, again.acknowledged) == (0, 0)
    endpoint.may.set()
    await asyncio.gather(*worker._under_way)
    await worker.hand_over(later)
    assert [first.acknowledged, again.acknowledged, later.acknowledged] == [1, 1, 1]
    assert endpoint.attempts == 1


async def test_what_was_under_way_when_the_worker_stopped_comes_again() -> None:
    endpoint = Endpoint(DELIVERED)
    worker = worker_for(endpoint)
    record = Record()
    await worker.hand_over(record)
    await asyncio.sleep(0)
    await worker.stop()
    assert record.acknowledged == 0


async def test_gives_up_after_the_last_attempt_without_another_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    endpoint = Endpoint(*[AGAIN] * MOST_ATTEMPTS)
    endpoint.may.set()
    worker = worker_for(endpoint)
    record = Record()
    monkeypatch.setattr(delivery.asyncio, "sleep", pause)
    await worker.hand_over(record)
    await asyncio.gather(*worker._under_way)
    assert endpoint.attempts == MOST_ATTEMPTS
    assert pauses == list(delivery.PAUSES)
    assert record.acknowledged == 1
