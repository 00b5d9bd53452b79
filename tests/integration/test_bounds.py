"""A bot, a batch sent twice, more customers than fit into memory: each has its bound."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from redis import Redis

from infra.redis.keys import profile_key
from streams.fold.hot_profiles import MAX_A_MINUTE
from streams.identity.partitioning import partition_of
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until
from tests.harness.web import get
from tests.integration.conftest import CACHED_PROFILES

DAY = 86_400


def page(who: str, message_id: str, path: str = "/products/shoes") -> dict[str, Any]:
    properties = {"path": path}
    return {"type": "page", "anonymousId": who, "messageId": message_id, "properties": properties}


def metric(stack: RunningStack, name: str) -> float:
    """A figure of the dialogue worker."""
    port = stack.part("dialogue").environ()["DAEHWA_METRICS_PORT"]
    lines = get(f"http://127.0.0.1:{port}/metrics", timeout=10).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.split()[0] == name)


def counted(stack: RunningStack, who: str) -> int:
    view = stack.customer(who)
    return int(view["lifecycle"]["events"]) if view else 0


def test_a_bot_at_full_speed_holds_nobody_up(robust: RunningStack) -> None:
    bot = f"bot-{uuid4()}"
    size, batches = 2500, 12
    partitions = int(robust.environment["DAEHWA_PARTITIONS"])
    same = partition_of(bot, partitions)
    names = (f"other-{uuid4()}" for _ in range(400))
    others = [name for name in names if partition_of(name, partitions) == same][:20]

    def flood(batch: int) -> int:
        items = [page(bot, f"{bot}-{batch}-{n}") for n in range(size)]
        return robust.send(*items).status_code

    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(flood, batch) for batch in range(batches)]
        wait_until(lambda: counted(robust, bot) > 0)
        for name in others:
            assert robust.send(page(name, f"{name}-1")).status_code == 200
            wait_until(lambda name=name: counted(robust, name) == 1, within=5)
        assert {future.result() for future in sent} == {200}

    view = wait_until(
        lambda: (v := robust.customer(bot)) and v["lifecycle"]["events"] == size * batches and v,
        within=30,
    )
    in_full = view["dialogues"]["product/shoes"]["events"]
    assert in_full + view["hot"]["events"] == size * batches
    assert MAX_A_MINUTE <= in_full <= 2 * MAX_A_MINUTE, "the flood may cross into a second minute"
    assert metric(robust, "daehwa_events_summarised_total") >= view["hot"]["events"]
    count = f"select count() from daehwa.events where anonymous_id = '{bot}'"
    wait_until(lambda: robust.sql(count) == [(size * batches,)], within=30)
    assert all(robust.customer(name)["hot"] is None for name in others)


def test_a_large_batch_sent_twice_counts_once(robust: RunningStack) -> None:
    customer = f"importer-{uuid4()}"
    batch = [page(customer, f"{customer}-{n}") for n in range(1000)]
    live = [page(customer, f"{customer}-live-{n}", "/products/hats") for n in range(30)]
    assert robust.send(*batch).status_code == 200
    assert robust.send(*live).status_code == 200
    assert robust.send(*batch).status_code == 200
    assert robust.send(page(customer, f"{customer}-last", "/products/bags")).status_code == 200
    view = wait_until(
        lambda: (v := robust.customer(customer)) and "product/bags" in v["dialogues"] and v
    )
    assert view["lifecycle"]["events"] == 1031
    assert view["dialogues"]["product/shoes"]["events"] == 1000
    assert view["dialogues"]["product/hats"]["events"] == 30
    assert view["hot"] is None


def test_more_customers_than_fit_into_memory_are_all_right(robust: RunningStack) -> None:
    crowd = [f"crowd-{n}-{uuid4()}" for n in range(4 * CACHED_PROFILES)]
    paths = ["/products/lamps", "/products/lamps/details", "/products/tents", "/products/lamps"]
    for turn, path in enumerate(paths):
        for start in range(0, len(crowd), 50):
            part = [page(who, f"{who}-{turn}", path) for who in crowd[start : start + 50]]
            assert robust.send(*part).status_code == 200
    for who in crowd:
        wait_until(lambda who=who: counted(robust, who) == len(paths))
    views = [robust.customer(who) for who in crowd]
    stages = [
        {topic: {s: n["count"] for s, n in d["stages"].items()}
         for topic, d in view["dialogues"].items()}
        for view in views
    ]  # fmt: skip
    assert all(
        found == {"product/lamps": {"introduction": 2, "details": 1},
                  "product/tents": {"introduction": 1}}
        for found in stages
    )  # fmt: skip
    assert 0 < metric(robust, "daehwa_cached_profiles") <= CACHED_PROFILES


def test_only_visitors_who_left_nothing_behind_are_forgotten_soon(robust: RunningStack) -> None:
    partitions = int(robust.environment["DAEHWA_PARTITIONS"])
    passing, visitor, customer = (f"{name}-{uuid4()}" for name in ("passing", "visitor", "known"))
    robust.send(page(passing, f"{passing}-1"), page(visitor, f"{visitor}-1"))
    wait_until(lambda: counted(robust, visitor) == 1)
    known = {**page(visitor, f"{customer}-1"), "userId": customer}
    assert robust.send(known).status_code == 200
    wait_until(lambda: counted(robust, customer) == 2)
    redis = Redis.from_url(robust.environment["DAEHWA_REDIS_URL"])
    try:
        days = [
            round(redis.ttl(profile_key(partition_of(name, partitions), name)) / DAY)
            for name in (passing, visitor, customer)
        ]
    finally:
        redis.close()
    assert days == [90, 730, 730], "the visitor became a forwarding address"
