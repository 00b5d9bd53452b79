"""The campaign of the documentation, through every real part, counted by hand."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from infra.clock import now_ms
from streams.campaigns.uplift import Arm, measure
from streams.identity.partitioning import partition_of
from streams.policy.holdouts import is_held_out
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until
from tests.harness.web import get

DAY = 86_400_000
BEGIN = now_ms() - 30 * DAY


def event(key: str, name: str, at: int, category: str = "hats", **who: str) -> dict[str, Any]:
    """An event as it stands on the log, received when it happened."""
    return {
        "message_id": f"{key}-{name}-{at}",
        "type": "track",
        "name": name,
        "occurred_at": at,
        "received_at": at,
        "properties": {"category": category, "total": 20, "currency": "EUR"},
        **(who or {"user_id": key}),
    }


async def append(robust: RunningStack, events: list[dict[str, Any]]) -> None:
    """Puts events on the log where the collector would: their past makes weeks pass at once."""
    partitions = int(robust.environment["DAEHWA_PARTITIONS"])
    producer = AIOKafkaProducer(
        bootstrap_servers=robust.environment["DAEHWA_KAFKA_URL"].removeprefix("kafka://")
    )
    await producer.start()
    try:
        for partition in range(partitions):
            mine = [
                one
                for one in events
                if partition_of(one.get("user_id") or one["anonymous_id"], partitions) == partition
            ]
            if mine:
                value = msgspec.json.encode(mine)
                await producer.send_and_wait("daehwa.events", value, partition=partition)
    finally:
        await producer.stop()


def daehwa(robust: RunningStack, *words: str) -> str:
    program = str(Path(sys.executable).with_name("daehwa"))
    done = subprocess.run(
        [program, *words],
        check=False,
        env=robust.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_figures_are_those_counted_by_hand(robust: RunningStack) -> None:
    customers = [f"customer-{number}" for number in range(60)]
    visitors = [f"visitor-{number}" for number in range(20)]
    latecomers = [f"latecomer-{number}" for number in range(8)]
    buyers = {customer for number, customer in enumerate(customers) if number % 3 == 0}
    late = {customer for number, customer in enumerate(customers) if number % 3 == 1}

    views = [event(name, "Product Viewed", BEGIN) for name in customers]
    views += [event(name, "Product Viewed", BEGIN, anonymous_id=name) for name in visitors]
    # Nobody can look at hats for the first time twice, and who looks at socks is not spoken to.
    views += [event(name, "Product Viewed", BEGIN + DAY) for name in customers[:9]]
    views += [event("elsewhere", "Product Viewed", BEGIN, "socks")]
    await append(robust, views)
    wait_until(lambda: robust.sql("SELECT count() FROM daehwa.campaign_exposures") == [(80,)])

    # Visitors sign in, and every second of them buys under their name.
    then = [
        {
            **event(f"{name}-signed-in", "", BEGIN + DAY, user_id=f"name-of-{name}"),
            "type": "identify",
            "anonymous_id": name,
            "properties": {},
        }
        for name in visitors
    ]
    signed_in = visitors[::2]
    then += [event(f"name-of-{name}", "Order Completed", BEGIN + 2 * DAY) for name in signed_in]
    then += [event(name, "Order Completed", BEGIN + 6 * DAY, "socks") for name in buyers]
    then += [event(name, "Order Completed", BEGIN + 7 * DAY + 1) for name in late]
    now = now_ms()
    then += [event(name, "Product Viewed", now - DAY) for name in latecomers]
    then += [event(name, "Order Completed", now - DAY + 5) for name in latecomers]
    await append(robust, then)
    merged = "SELECT count() FROM daehwa.identities WHERE startsWith(customer_id, 'name-of-')"
    wait_until(lambda: robust.sql(merged) == [(len(visitors),)], within=60)
    wait_until(
        lambda: (
            robust.sql("SELECT count() FROM daehwa.events WHERE name = 'Order Completed'")
            == [(len(signed_in) + len(buyers) + len(late) + len(latecomers),)]
        ),
        within=60,
    )
    wait_until(lambda: robust.sql("SELECT count() FROM daehwa.campaign_exposures") == [(88,)])

    def arm(name: str) -> str:
        return "held_out" if is_held_out(name, 0.5, "first-hat") else "treated"

    over, converted, pending = ({"treated": 0, "held_out": 0} for _ in range(3))
    for name in (*customers, *visitors):
        over[arm(name)] += 1
        converted[arm(name)] += name in buyers or name in signed_in
    for name in latecomers:
        pending[arm(name)] += 1
    assert min(over.values()) > 20

    found = robust.get("/v1/campaigns/first-hat").json()
    effect = found["effect"]
    for name in ("treated", "held_out"):
        assert effect[name] == {"customers": over[name], "conversions": converted[name]}
    assert found["pending"] == pending
    assert found["crossed"] == {"treated": 0, "held_out": 0}
    by_hand = measure(*(Arm(over[name], converted[name]) for name in ("treated", "held_out")))
    assert effect == msgspec.to_builtins(by_hand)
    more = 20 * (converted["treated"] / over["treated"] - converted["held_out"] / over["held_out"])
    assert found["spend"]["EUR"]["value"] == pytest.approx(more)


def test_every_way_to_the_figures_tells_the_same(robust: RunningStack) -> None:
    effect = robust.get("/v1/campaigns/first-hat").json()["effect"]
    everything = robust.get("/v1/campaigns").json()
    assert everything["not_in_playbook"] == []
    assert [one["effect"] for one in everything["campaigns"]] == [effect]
    told = json.loads(daehwa(robust, "campaigns", "first-hat", "--json"))
    assert told["effect"] == effect
    table = daehwa(robust, "campaigns")
    assert "first-hat too early, about " in table
    assert f" {effect['treated']['conversions']} " in table
    planned = robust.get("/v1/campaigns?looks=one").json()
    assert planned["campaigns"][0]["effect"]["looks"] == "one"


def test_only_customers_since_then_are_asked_for(robust: RunningStack) -> None:
    def customers(since: int) -> int:
        day = datetime.fromtimestamp(since / 1000, UTC).date()
        found = robust.get(f"/v1/campaigns/first-hat?since={day}").json()
        treated = found["effect"]["treated"]["customers"] + found["pending"]["treated"]
        return int(
            treated + found["effect"]["held_out"]["customers"] + found["pending"]["held_out"]
        )

    assert customers(BEGIN - DAY) == 88
    assert customers(BEGIN + 2 * DAY) == 8
    assert customers(BEGIN + 60 * DAY) == 0


def test_decisions_that_were_held_out_are_kept_with_their_reason(robust: RunningStack) -> None:
    ((held_out,),) = robust.sql(
        "SELECT count() FROM daehwa.campaign_exposures WHERE arm = 'held_out'"
    )
    rows = robust.sql(
        "SELECT rule, suppressed_by, campaign, sum(customers) FROM daehwa.suppressed GROUP BY 1,2,3"
    )
    assert rows == [("hats-banner", "holdout", "first-hat", held_out)]


def test_what_cannot_be_answered_says_why(robust: RunningStack) -> None:
    missing = robust.get("/v1/campaigns/autumn")
    assert missing.status_code == 404
    assert missing.json()["code"] == "campaign_not_found"
    assert robust.get("/v1/campaigns?since=yesterday").json()["code"] == "invalid_request"
    assert robust.get("/v1/campaigns?looks=daily").status_code == 422
    assert robust.get("/v1/campaigns?least=0").status_code == 422
    unknown = get(f"{robust.url}/v1/campaigns")
    assert (unknown.status_code, unknown.json()["code"]) == (401, "unauthorized")


def test_an_archive_that_is_unavailable_is_said_to_be(robust: RunningStack) -> None:
    robust.kill("clickhouse")
    answer = robust.get("/v1/campaigns")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    wait_until(lambda: robust.get("/v1/campaigns").status_code == 200, within=30)
