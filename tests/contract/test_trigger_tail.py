"""The trigger tail against a real broker: order, once each, resuming, and a broker that dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator

import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from infra.kafka import trigger_tail
from infra.kafka.names import TRIGGERS
from infra.kafka.trigger_tail import TriggerTail
from schemas.trigger import Trigger
from streams.codec.codec import encode_trigger
from tests.harness.tansu import Broker, until

PARTITIONS = 2


@pytest.fixture
def broker() -> Iterator[Broker]:
    found = Broker({TRIGGERS: PARTITIONS})
    yield found
    found.kill()


@pytest.fixture
async def tail(broker: Broker) -> AsyncIterator[TriggerTail]:
    found = TriggerTail(broker.settings(partitions=PARTITIONS))
    yield found
    await found.stop()


def trigger(number: int, **other: str) -> Trigger:
    fields = {"type": "stage.reached", "customer_id": "anna", "decision": "fire", **other}
    return Trigger(
        id=f"trg_{number}", rule="interest", occurred_at=number, decided_at=number,
        reason="reached details", why={}, **fields,
    )  # fmt: skip


async def produce(broker: Broker, *triggers: Trigger, partition: int | None = None) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, acks="all")
    await producer.start()
    try:
        for one in triggers:
            place = partition if partition is not None else one.occurred_at % PARTITIONS
            await producer.send_and_wait(
                TRIGGERS, encode_trigger(one), partition=place, timestamp_ms=1_000 + one.occurred_at
            )
    finally:
        await producer.stop()


async def within(seconds: float, awaited: Awaitable[object]) -> None:
    async with asyncio.timeout(seconds):
        await awaited


def ids(triggers: list[Trigger]) -> list[str]:
    return [one.id for one in triggers]


async def test_what_was_there_before_is_kept_in_the_order_it_was_written(
    broker: Broker, tail: TriggerTail
) -> None:
    broker.start()
    await produce(broker, *(trigger(n) for n in range(20)))
    await tail.start()
    await within(20, tail.until_live())
    assert ids(tail.recent(5)) == [f"trg_{n}" for n in (19, 18, 17, 16, 15)]
    assert len(tail.recent(1000)) == 20


async def test_a_subscriber_gets_each_trigger_once_and_in_order(
    broker: Broker, tail: TriggerTail
) -> None:
    broker.start()
    await tail.start()
    await within(20, tail.until_live())
    feed = tail.subscribe()
    await produce(broker, *(trigger(n) for n in (1, 2, 3, 2, 1, 4, 4)), partition=0)
    async with asyncio.timeout(20):
        got = [await anext(feed) for _ in range(4)]
    assert ids(got) == ["trg_1", "trg_2", "trg_3", "trg_4"]
    await until(lambda: len(tail.recent(10)) == 4, "each is kept once")


async def test_a_subscriber_resumes_after_the_last_trigger_it_has_seen(
    broker: Broker, tail: TriggerTail
) -> None:
    broker.start()
    await produce(broker, *(trigger(n) for n in range(6)), partition=1)
    await tail.start()
    await within(20, tail.until_live())
    feed = tail.subscribe("trg_3")
    assert ids([await anext(feed), await anext(feed)]) == ["trg_4", "trg_5"]
    forgotten = tail.subscribe("trg_of_last_year")
    assert (await anext(forgotten)).id == "trg_0"


async def test_recent_asks_for_type_customer_and_decision(
    broker: Broker, tail: TriggerTail
) -> None:
    broker.start()
    await produce(
        broker,
        trigger(1),
        trigger(2, type="churn.risk"),
        trigger(3, customer_id="ben"),
        trigger(4, decision="suppressed"),
        partition=0,
    )
    await tail.start()
    await within(20, tail.until_live())
    assert ids(tail.recent(10, type="churn.risk")) == ["trg_2"]
    assert ids(tail.recent(10, customer="ben")) == ["trg_3"]
    assert ids(tail.recent(10, suppressed=False)) == ["trg_3", "trg_2", "trg_1"]


async def test_a_slow_subscriber_is_cut_off_and_the_others_go_on(
    broker: Broker, tail: TriggerTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trigger_tail, "MAX_WAITING", 3)
    broker.start()
    await tail.start()
    await within(20, tail.until_live())
    slow, quick = tail.subscribe(), tail.subscribe()
    for n in range(6):
        await produce(broker, trigger(n), partition=0)
        async with asyncio.timeout(20):
            assert (await anext(quick)).id == f"trg_{n}"
    assert ids([one async for one in slow]) == ["trg_0", "trg_1", "trg_2"]
    resumed = tail.subscribe("trg_2")
    assert (await anext(resumed)).id == "trg_3"
    assert tail.subscribers == 2


async def test_the_tail_starts_without_a_broker_and_survives_its_death(
    broker: Broker, tail: TriggerTail
) -> None:
    await within(1, tail.start())
    feed = tail.subscribe()
    await asyncio.to_thread(broker.start)
    await within(20, tail.until_live())
    await produce(broker, *(trigger(n) for n in range(5)), partition=0)
    async with asyncio.timeout(20):
        assert ids([await anext(feed) for _ in range(5)]) == [f"trg_{n}" for n in range(5)]

    broker.kill()
    await until(lambda: not tail.live, "the tail notices")
    await asyncio.to_thread(broker.start)
    # The new log is shorter in one partition and longer in the other than what was read of the old.
    await produce(broker, trigger(10), trigger(11), partition=0)
    await produce(broker, trigger(12), trigger(13), partition=1)
    async with asyncio.timeout(20):
        got = [await anext(feed) for _ in range(4)]
    assert sorted(ids(got)) == ["trg_10", "trg_11", "trg_12", "trg_13"]


async def test_records_that_were_written_as_one_batch_disturb_nobody(
    broker: Broker, tail: TriggerTail
) -> None:
    broker.start()
    await tail.start()
    await within(20, tail.until_live())
    feed = tail.subscribe()
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, linger_ms=20)
    await producer.start()
    with capture_logs() as said:
        for batch in range(2):
            for n in range(5):
                await producer.send(TRIGGERS, encode_trigger(trigger(5 * batch + n)), partition=0)
            await producer.flush()
            async with asyncio.timeout(20):
                got = [await anext(feed) for _ in range(5)]
            assert ids(got) == [f"trg_{5 * batch + n}" for n in range(5)]
            # The tail has looked whether its broker is still the same, and found that it is.
            checks = tail.checks
            await until(lambda seen=checks: tail.checks > seen + 1, "the tail checks")
    await producer.stop()
    assert tail.live
    assert said == []


async def test_stopping_ends_every_feed(broker: Broker, tail: TriggerTail) -> None:
    await tail.start()
    feed = tail.subscribe()
    await tail.stop()
    async with asyncio.timeout(5):
        assert [one async for one in feed] == []
    assert tail.subscribers == 0
