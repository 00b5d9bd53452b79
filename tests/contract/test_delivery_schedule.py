"""The schedule in a real Redis: once, one at a time, and nothing forgotten."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from infra.delivery.call_list import CallList, call_of
from infra.delivery.circuit import NEW, after_failure, disabled
from infra.delivery.endpoint_states import EndpointStates
from infra.delivery.listing import DeliveryListing, Done
from infra.delivery.records import Delivery, Held
from infra.delivery.retry_policy import max_duration
from infra.delivery.schedule import LEASE_MS, WAITS_MS, DeliverySchedule, Settlement
from infra.embedded.ports import free_ports
from infra.embedded.process import PartProcess
from infra.embedded.redis import redis_part
from infra.rebuilding.loading import clear_partitions
from infra.redis.keys import LASTING, counts_key, deadlines_key, profile_key, watermark_key
from infra.settings import Settings
from streams.models.learned import MAX_FIELDS
from tests.unit.infra.delivery.test_webhook import trigger

SETTINGS = Settings()
NOW = 1_000_000
DAY_S = 86_400


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    (port,) = free_ports(1)
    process = PartProcess(redis_part(port, "of-a-test", tmp_path / "data", tmp_path))
    await process.start()
    client = Redis.from_url(f"redis://:of-a-test@127.0.0.1:{port}/0")
    try:
        yield client
        for key in await client.keys():
            assert await client.ttl(key) > 0 or key.decode().rpartition(":")[2] in LASTING, key
    finally:
        await client.aclose()
        await process.stop()


def delivery(name: str = "trg_1", endpoint: str = "crm") -> Delivery:
    return Delivery(endpoint=endpoint, created_at=NOW, trigger=trigger(id=name))


def settled(held: Held, status: str, due: int = 0, **more: object) -> Settlement:
    after = replace(held.delivery, status=status, attempts=1, last_at=NOW)
    return Settlement(held, after, due, **more)  # type: ignore[arg-type]


def again(held: Held, at: int) -> Delivery:
    return replace(held.delivery, status="failed", attempts=1, last_at=at)


async def test_a_delivery_is_admitted_once_also_after_it_was_told(redis: Redis) -> None:
    schedule = DeliverySchedule(redis, SETTINGS)
    assert await schedule.admit(0, [(delivery(), NOW), (delivery(), NOW)]) == [True, False]
    (held,) = (await schedule.take(0, {"crm": (NOW, 10)}, NOW))["crm"]
    assert await schedule.settle(0, [settled(held, "delivered")]) == [True]
    assert await schedule.admit(0, [(delivery(), NOW)]) == [False]
    assert (await schedule.take(0, {"crm": (NOW * 2, 10)}, NOW * 2))["crm"] == []
    assert await schedule.admit(0, [(delivery(endpoint="other"), NOW)]) == [True]
    (done, other) = await DeliveryListing(redis, SETTINGS).of_trigger("trg_1", ["crm", "other"])
    assert done == Done("trg_1/crm", "delivered", NOW, 1)
    assert other == delivery(endpoint="other")


async def test_what_one_worker_holds_no_other_takes_until_the_lease_ends(redis: Redis) -> None:
    schedule = DeliverySchedule(redis, SETTINGS)
    await schedule.admit(0, [(delivery(), NOW)])
    requested = {"crm": (NOW, 10)}
    (held,) = (await schedule.take(0, requested, NOW))["crm"]
    later = NOW + LEASE_MS
    assert (await schedule.take(0, {"crm": (later - 1, 10)}, later - 1))["crm"] == []
    (again,) = (await schedule.take(0, {"crm": (later, 10)}, later))["crm"]
    assert again.delivery == held.delivery
    # The first one comes back late: its failure is not heard, its success is.
    assert await schedule.settle(0, [settled(held, "waiting", NOW)]) == [False]
    assert await schedule.settle(0, [settled(held, "delivered")]) == [True]
    assert await schedule.settle(0, [settled(again, "failed")]) == [False]
    assert await schedule.admit(0, [(delivery(), NOW)]) == [False]
    assert (await schedule.backlog([0], "crm")).waiting == 0


async def test_the_soonest_come_first_and_no_more_than_asked_for(redis: Redis) -> None:
    schedule = DeliverySchedule(redis, SETTINGS)
    await schedule.admit(0, [(delivery(f"trg_{n}"), NOW - n) for n in range(5)])
    taken = await schedule.take(0, {"crm": (NOW, 3), "other": (NOW, 3)}, NOW)
    assert [held.delivery.trigger.id for held in taken["crm"]] == ["trg_4", "trg_3", "trg_2"]
    assert taken["other"] == []


async def test_what_is_given_up_is_kept_and_tried_again_by_hand(redis: Redis) -> None:
    schedule, listing = DeliverySchedule(redis, SETTINGS), DeliveryListing(redis, SETTINGS)
    await schedule.admit(2, [(delivery(f"trg_{n}"), NOW) for n in range(3)])
    for held in (await schedule.take(2, {"crm": (NOW, 3)}, NOW))["crm"]:
        await schedule.settle(2, [settled(held, "failed")])
    given_up = await listing.find("given_up", ["crm"], 10)
    assert {shown.delivery.trigger.id for shown in given_up} == {"trg_0", "trg_1", "trg_2"}
    assert await listing.find("given_up", ["other"], 10) == []
    only = await listing.find("given_up", ["crm"], 10, ["trg_1"])
    assert await listing.replay(only, NOW + 5) == 1
    assert await listing.replay(only, NOW + 5) == 0
    (held,) = (await schedule.take(2, {"crm": (NOW + 5, 3)}, NOW + 5))["crm"]
    assert (held.delivery.trigger.id, held.delivery.attempts) == ("trg_1", 0)
    assert len(await listing.find("given_up", ["crm"], 10)) == 2
    await schedule.settle(2, [replace(settled(held, "failed"), delivery=again(held, NOW + 9))])
    assert len(await listing.find("given_up", ["crm"], 10)) == 3
    assert len(await listing.find("given_up", ["crm"], 10, until=NOW + 8)) == 2


async def test_an_outcome_stays_until_it_is_on_the_log(redis: Redis) -> None:
    schedule = DeliverySchedule(redis, SETTINGS)
    await schedule.admit(0, [(delivery(), NOW)])
    (held,) = (await schedule.take(0, {"crm": (NOW, 1)}, NOW))["crm"]
    await schedule.settle(0, [settled(held, "delivered", outcome=("id", b"event"))])
    assert await schedule.outcomes(0) == [("id", b"event")]
    assert await schedule.outcomes(0) == [("id", b"event")]
    await schedule.written(0, ["id"])
    assert await schedule.outcomes(0) == []


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(retention_hours=1),
        Settings(retention_hours=1, delivery_pauses=(5.0,)),
        Settings(retention_hours=24 * 365),
        Settings(delivery_pauses=(7 * 86_400.0,) * 3),
    ],
)
async def test_a_delivery_is_remembered_until_nobody_asks_for_it_any_more(
    redis: Redis, settings: Settings
) -> None:
    await DeliverySchedule(redis, settings).admit(0, [(delivery(), NOW)])
    kept = await redis.ttl("daehwa:{0}:delivery:trg_1/crm") - DAY_S / 2
    assert kept > settings.retention_hours * 3_600
    assert kept > max_duration(settings.delivery_pauses)
    # The endpoint asks for a day, or the pause is longer, and is down from then on.
    assert kept > max(DAY_S, *settings.delivery_pauses) + WAITS_MS / 1000


async def test_an_endpoint_stays_disabled_whatever_other_workers_write(redis: Redis) -> None:
    states = EndpointStates(redis)
    off = disabled(NEW, NOW, "410")
    await states.write("crm", off)
    await states.write("crm", after_failure(NEW, NOW, "500"))
    await states.write("crm", NEW)
    assert (await states.read(["crm", "other"])) == {"crm": off, "other": NEW}
    await states.enable("crm")
    assert (await states.read(["crm"])) == {"crm": NEW}


async def test_calls_come_by_priority_then_age(redis: Redis) -> None:
    calls = CallList(redis)
    requested = [("old", 0, 1_000), ("new", 0, 2_000), ("urgent", 5, 3_000), ("minor", -1, 500)]
    for name, priority, at in requested:
        one = replace(delivery(), trigger=trigger(id=name, priority=priority, decided_at=at))
        for _ in range(2):
            await calls.put(call_of(one, None, None, ""))
    assert [held.call.id for held in await calls.open(10)] == ["urgent", "old", "new", "minor"]


async def test_a_rebuild_of_the_dialogue_state_takes_nothing_from_delivery(redis: Redis) -> None:
    schedule = DeliverySchedule(redis, SETTINGS)
    told, waits = delivery("trg_told"), delivery("trg_waits")
    await schedule.admit(0, [(told, NOW), (waits, NOW)])
    (held, _) = (await schedule.take(0, {"crm": (NOW, 2)}, NOW))["crm"]
    await schedule.settle(0, [settled(held, "delivered", outcome=("id", b"event"))])
    before = set(await redis.keys())
    state = [
        profile_key(0, "u\n1"), deadlines_key(0), watermark_key(7),
        *(counts_key(0, kind) for kind in MAX_FIELDS),
    ]  # fmt: skip
    for name in (*state, watermark_key(0)):
        await redis.set(name, b"", ex=600)

    await clear_partitions(redis, 1)

    assert set(await redis.keys()) == {*before, watermark_key(0).encode()}
    assert await schedule.outcomes(0) == [("id", b"event")]
    assert await schedule.admit(0, [(told, NOW), (waits, NOW)]) == [False, False]
