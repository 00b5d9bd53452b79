"""The worker against a real Redis and a real receiver: when Kafka hears of a trigger, and what
happens to more than an endpoint can take."""

import asyncio
from collections.abc import AsyncIterator
from inspect import isawaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import SecretStr
from redis.asyncio import Redis

from agents.delivery.endpoint_limiter import AT_ONCE
from agents.delivery.outbox import Outbox
from agents.delivery.worker import DeliveryWorker
from infra.delivery.call_list import CallList
from infra.delivery.dispatcher import DeliveryDispatcher
from infra.delivery.endpoint_states import EndpointStates
from infra.delivery.keys import due_key
from infra.delivery.listing import DeliveryListing
from infra.delivery.schedule import DeliverySchedule
from infra.embedded.ports import free_ports
from infra.embedded.process import PartProcess
from infra.embedded.redis import redis_part
from infra.kafka.log_writer import LogWriter
from infra.redis.profile_reader import ProfileReader
from infra.settings import Settings
from schemas.playbook import Endpoint, Playbook
from streams.codec.codec import encode_trigger
from tests.harness.delivering import SECRET
from tests.harness.receivers import Receiver
from tests.unit.infra.delivery.test_webhook import trigger

NOTHING = Playbook(version=1, ladders={}, match=())


class Record:
    def __init__(self, name: str, partition: int = 0, endpoint: str | None = None) -> None:
        self.value = encode_trigger(trigger(id=name, endpoint=endpoint))
        self.message = SimpleNamespace(tp=SimpleNamespace(partition=partition))
        self.acknowledged = 0

    def ack(self) -> None:
        self.acknowledged += 1


class Working:
    """A worker, its Redis and its receiver."""

    def __init__(self, port: int) -> None:
        self.receiver = Receiver()
        self.settings = Settings(
            redis_url=f"redis://:of-a-test@127.0.0.1:{port}/0",
            webhook_url=f"{self.receiver.url}/hook",
            webhook_secret=SecretStr(SECRET),
            webhook_private=True,
            delivery_pauses=(0.1,) * 20,
        )
        self.redis = Redis.from_url(self.settings.redis_url)
        self.dispatchers: list[DeliveryDispatcher] = []
        self.worker, self.task = self.another()

    def another(
        self, playbook: Playbook = NOTHING, delays: tuple[float, ...] | None = None
    ) -> tuple[DeliveryWorker, "asyncio.Task[None]"]:
        """One more worker on the same Redis."""
        redis, settings = self.redis, self.settings
        schedule = DeliverySchedule(redis, settings)
        profiles = ProfileReader(redis, settings.partitions)
        dispatcher = DeliveryDispatcher(settings, lambda: playbook, profiles, CallList(redis), {})
        self.dispatchers.append(dispatcher)
        worker = DeliveryWorker(
            schedule,
            EndpointStates(redis),
            dispatcher,
            Outbox(schedule, LogWriter(settings)),
            settings.delivery_pauses if delays is None else delays,
        )
        worker.partitions = tuple(range(settings.partitions))
        return worker, asyncio.create_task(worker.run())

    async def until(self, condition: Any, within: float = 15.0) -> Any:
        """Waits until it is so; what it was then."""
        async with asyncio.timeout(within):
            while True:
                found = condition()
                if found := await found if isawaitable(found) else found:
                    return found
                await asyncio.sleep(0.01)


@pytest.fixture
async def working(tmp_path: Path) -> AsyncIterator[Working]:
    (port,) = free_ports(1)
    process = PartProcess(redis_part(port, "of-a-test", tmp_path / "data", tmp_path))
    await process.start()
    found = Working(port)
    yield found
    await found.worker.stop()
    for dispatcher in found.dispatchers:
        await dispatcher.close()
    await found.redis.aclose()
    found.receiver.stop()
    await process.stop()


async def test_kafka_hears_of_a_trigger_before_the_receiver_has_answered(working: Working) -> None:
    may = asyncio.Event()
    loop = asyncio.get_running_loop()
    working.receiver.answers["/hook"] = lambda _: (
        (asyncio.run_coroutine_threadsafe(may.wait(), loop).result(10) and 204) or 500, {},
    )  # fmt: skip
    record, again = Record("trg_1"), Record("trg_1")
    await working.worker.hand_over(record)
    await working.until(lambda: record.acknowledged)
    await working.worker.hand_over(again)
    await working.until(lambda: again.acknowledged)
    assert working.receiver.received == []
    may.set()
    await working.until(lambda: working.receiver.received)
    assert [one.id for one in working.receiver.received] == ["trg_1"]


async def test_a_backlog_waits_in_redis_and_all_of_it_is_told(working: Working) -> None:
    up = asyncio.Event()
    most = [0]

    def answer(_: str) -> tuple[int, dict[str, str]]:
        most[0] = max(most[0], len(working.worker._attempts))
        return (204 if up.is_set() else 503), {}

    working.receiver.answers["/hook"] = answer
    records = [Record(f"trg_{n}", n % 4) for n in range(300)]
    for record in records:
        await working.worker.hand_over(record)
    await working.until(lambda: all(record.acknowledged for record in records))
    up.set()
    await working.until(
        lambda: sum(one.status == 204 for one in working.receiver.received) == 300, 30
    )
    good = [one.id for one in working.receiver.received if one.status == 204]
    assert sorted(good) == sorted(f"trg_{n}" for n in range(300))
    assert most[0] <= AT_ONCE


async def test_two_workers_on_the_same_partitions_tell_each_trigger_once(working: Working) -> None:
    other, task = working.another()
    for n in range(200):
        for worker in (working.worker, other):
            await worker.hand_over(Record(f"trg_{n}", n % 4))
    await working.until(lambda: len(working.receiver.received) >= 200)
    await other.stop()
    assert task.done()
    ids = [one.id for one in working.receiver.received]
    assert sorted(ids) == sorted(f"trg_{n}" for n in range(200))


async def test_what_is_no_trigger_is_passed_over(working: Working) -> None:
    record = Record("trg_1")
    record.value = b"{"
    await working.worker.hand_over(record)
    assert record.acknowledged == 1


def with_crm(working: Working) -> Playbook:
    crm = Endpoint(kind="webhook", url=f"{working.receiver.url}/crm")
    return replace(NOTHING, endpoints={"crm": crm})


async def test_what_is_for_an_endpoint_that_was_taken_out_is_seen_and_given_up_in_the_end(
    working: Working,
) -> None:
    await working.worker.stop()
    working.receiver.answers["/crm"] = lambda _: (503, {})
    before, _ = working.another(with_crm(working), (3600.0,))
    await before.hand_over(Record("trg_1", endpoint="crm"))
    await working.until(lambda: working.receiver.at("/crm"))
    await before.stop()
    listing = DeliveryListing(working.redis, working.settings)
    (waiting,) = await listing.find("waiting", ["crm"], 10)
    await working.redis.zadd(due_key(0, "crm"), {waiting.delivery.id: 1})

    after, _ = working.another(NOTHING, (0.1, 0.1, 0.1))
    (given_up,) = await working.until(lambda: listing.find("given_up", ["crm"], 10))
    await after.stop()
    assert given_up.delivery.attempts == 4
    assert given_up.delivery.detail == "the playbook has no endpoint 'crm'"
    assert await EndpointStates(working.redis).remembered() == ["crm"]
    assert len(working.receiver.at("/crm")) == 1


async def test_an_endpoint_that_comes_back_gets_what_waited(working: Working) -> None:
    await working.worker.hand_over(Record("trg_1", endpoint="crm"))
    listing = DeliveryListing(working.redis, working.settings)

    async def attempted() -> bool:
        return any(one.delivery.attempts for one in await listing.find("waiting", ["crm"], 10))

    await working.until(attempted)
    other, _ = working.another(with_crm(working))
    await working.worker.stop()
    await working.until(lambda: working.receiver.at("/crm"))
    await other.stop()
    assert [one.id for one in working.receiver.at("/crm")] == ["trg_1"]
