"""Redis dropped and made anew from the archive: the same bytes, and the work goes on."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from kafka.errors import KafkaError
from redis import Redis

from infra.kafka.lag import group_lag
from infra.kafka.names import ARCHIVE_GROUP, DIALOGUE_GROUP, EVENTS, KAFKA_TOPICS
from infra.settings import Settings
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of our own: these tests empty its Redis."""
    running = RunningStack(tmp_path_factory.mktemp("rebuild"))
    try:
        yield running
    finally:
        running.stop()


def item(kind: str, who: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {"type": kind, "messageId": str(uuid4()), **who, **fields}


def send_traffic(stack: RunningStack, name: str, people: int = 12) -> None:
    """Visitors who look, put into carts, log in, buy, come back under their old id; two customers
    who turn out to be one; every third request sent twice."""
    now = datetime.now(UTC)
    for number in range(people):
        visitor = {"anonymousId": f"{name}-visitor-{number}"}
        customer = {"userId": f"{name}-customer-{number}"}
        # The cart was left half an hour ago but for two seconds: its deadline comes meanwhile.
        left_at = (now - timedelta(minutes=30) + timedelta(seconds=2)).isoformat()
        requests = [
            [
                item("page", visitor, properties={"path": "/products/hats"}),
                item("page", visitor, properties={"path": f"/products/bag-{number % 5}/details"}),
                item("track", visitor, event="Product Added", timestamp=left_at,
                     properties={"category": "Lamps"}),
            ],
            [item("identify", visitor | customer, traits={"plan": "gold", "n": number})],
            # Two days with a purchase: from then on the customer is waited for.
            [item("track", customer, event="Order Completed",
                  timestamp=(now - timedelta(days=10)).isoformat(),
                  properties={"category": "Hats", "total": 9, "currency": "EUR"})],
            [
                item("page", visitor, properties={"path": "/products/hats/purchase"}),
                item("track", customer, event="Order Completed", timestamp=left_at,
                     properties={"category": "Hats", "total": 12.5 + number, "currency": "EUR"}),
                item("track", visitor, event="Product Viewed", properties={"category": "socks"}),
            ],
        ]  # fmt: skip
        if number % 4 == 3:
            previous = f"{name}-customer-{number - 1}"
            requests.append([item("alias", customer, previousId=previous)])
            requests.append(
                [item("page", {"userId": previous}, properties={"path": "/products/x"})]
            )
        for turn, request in enumerate(requests):
            for _ in range(2 if (number + turn) % 3 == 0 else 1):
                assert stack.send(*request).status_code == 200


def settled(stack: RunningStack) -> bool:
    """Whether everything is folded and archived, and Kafka told."""
    settings = Settings(
        kafka_url=stack.environment["DAEHWA_KAFKA_URL"],
        partitions=int(stack.environment["DAEHWA_PARTITIONS"]),
    )
    try:
        return not (
            group_lag(settings, DIALOGUE_GROUP, (EVENTS,))
            or group_lag(settings, ARCHIVE_GROUP, KAFKA_TOPICS)
        )
    except (KafkaError, TimeoutError):
        return False


def state(redis: "Redis[bytes]") -> dict[bytes, Any]:
    """Everything of the dialogue state in Redis but the watermarks."""
    found: dict[bytes, Any] = {}
    for key in redis.scan_iter(match="daehwa:{[0-9]*}:*"):
        kind = redis.type(key)
        if key.endswith(b":watermark"):
            continue
        if kind == b"string":
            found[key] = redis.get(key)
        elif kind == b"hash":
            found[key] = redis.hgetall(key)
        else:
            found[key] = redis.zrange(key, 0, -1, withscores=True)
    return found


def command(stack: RunningStack, *words: str) -> "subprocess.CompletedProcess[str]":
    """What `daehwa …` answered."""
    return subprocess.run(
        [Path(sys.executable).with_name("daehwa"), *words],
        env={**os.environ, **stack.environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def rebuild(stack: RunningStack, *options: str) -> tuple[int, dict[str, Any], str]:
    """`daehwa rebuild --json`: exit code, summary, what it said."""
    done = command(stack, "rebuild", "--json", *options)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def quiet(stack: RunningStack, redis: "Redis[bytes]", name: str) -> bool:
    """Whether the carts that were left have been told, and all is folded and archived."""
    soon = (datetime.now(UTC) + timedelta(minutes=1)).timestamp() * 1000
    told = (
        "select count() from daehwa.triggers where type = 'stage.stalled' "
        f"and startsWith(customer_id, '{name}')"
    )
    return (
        stack.sql(told) > [(0,)]
        and not any(
            redis.zcount(key, 0, soon) for key in redis.scan_iter(match="daehwa:*:deadlines")
        )
        and settled(stack)
    )


@pytest.mark.destructive
def test_redis_dropped_and_rebuilt_is_the_same_to_the_byte(dropped: RunningStack) -> None:
    stack = dropped
    redis: Redis[bytes] = Redis.from_url(stack.environment["DAEHWA_REDIS_URL"])
    send_traffic(stack, "first")
    wait_until(lambda: quiet(stack, redis, "first"), within=40)
    before = state(redis)
    profiles = [key for key in before if b":profile:" in key]
    assert len(profiles) == 24
    assert any(key.endswith(b":deadlines") for key in before)
    assert any(key.endswith(b":transitions") for key in before)

    code, same, _ = rebuild(stack, "--dry-run")
    assert (code, same["same"], same["different"]) == (0, 24, 0), same
    code, _, said = rebuild(stack)
    assert code == 2
    assert "--replace" in said

    worker = stack.part("dialogue")
    worker.suspend()
    redis.flushall()
    code, done, said = rebuild(stack)
    assert code == 0, said
    assert done["profiles"] == 24
    assert done["unarchived"] == 0
    assert state(redis) == before

    worker.resume()
    # The same requests once more change nothing; new ones count once.
    views = {n: stack.customer(f"first-customer-{n}")["lifecycle"] for n in range(12)}
    for number in range(12):
        who = {"userId": f"first-customer-{number}"}
        page = item("page", who, properties={"path": "/products/new"})
        assert stack.send(page, page).status_code == 200
    wait_until(
        lambda: all(
            stack.customer(f"first-customer-{n}")["lifecycle"]["events"]
            == views[n]["events"] + (2 if n % 4 == 3 else 1)
            or n % 4 == 2
            for n in range(12)
        ),
        within=40,
    )
    wait_until(lambda: settled(stack), within=20)
    code, same, _ = rebuild(stack, "--dry-run")
    assert (code, same["different"]) == (0, 0), same
    redis.close()


@pytest.mark.destructive
def test_what_several_logs_brought_is_rebuilt_from_all_of_them(dropped: RunningStack) -> None:
    stack = dropped
    redis: Redis[bytes] = Redis.from_url(stack.environment["DAEHWA_REDIS_URL"])
    send_traffic(stack, "early", people=4)
    wait_until(lambda: quiet(stack, redis, "early"), within=40)
    logs = stack.sql("select uniqExact(log_id) from daehwa.events")
    stack.kill("kafka")
    wait_until(
        lambda: stack.send(item("page", {"userId": "early-customer-0"})).status_code == 200,
        within=40,
    )
    send_traffic(stack, "late", people=4)
    # A customer of the first log is seen in the second, under the old id of the browser too.
    stack.send(item("page", {"anonymousId": "early-visitor-0"}, properties={"path": "/products/x"}))
    wait_until(lambda: quiet(stack, redis, "late"), within=40)
    assert stack.sql("select uniqExact(log_id) from daehwa.events") > logs
    before = state(redis)
    redis.flushall()
    # The worker may have begun to fold into the empty Redis.
    code, _, said = rebuild(stack, "--replace")
    assert code == 0, said
    assert state(redis) == before
    redis.close()


PEOPLE = {"broken": "0223123401", "twin": "0223123402"}
"""Customers and their telephone numbers: to both the same happens."""


def happens(stack: RunningStack, name: str, *, before: bool) -> None:
    """What a customer and their visitor do before the trouble, or during it."""
    who, visitor = {"userId": name}, {"anonymousId": f"{name}-visitor"}
    looked = item("page", visitor, properties={"path": "/products/harps"})
    phone = f"+82{PEOPLE[name][1:]}"
    if before:
        told = stack.send(item("identify", who, traits={"phone": phone}), looked)
    else:
        order = {"category": "Harps", "total": 9, "currency": "EUR"}
        told = stack.send(
            item("identify", who | visitor, traits={"plan": "gold"}),
            item("track", who, event="Order Completed", properties=order),
            looked,
        )
        rang = {"code": "call.support", "channel": "call", "phone": phone}
        contact = httpx.post(f"{stack.url}/v1/contact", headers=stack.headers, json=rang)
        assert contact.status_code == 200, contact.text
    assert told.status_code == 200


@pytest.mark.destructive
def test_an_unreadable_profile_is_rebuilt_and_its_letters_replayed_once(
    dropped: RunningStack,
) -> None:
    """A twin to whom the same happens goes on; in the end both are the same, merged visitor and
    triggers included, and have the facts that a plain fold of the archive gives them."""
    stack = dropped
    redis: Redis[bytes] = Redis.from_url(stack.environment["DAEHWA_REDIS_URL"])

    def events(name: str) -> int:
        return int(stack.customer(name).get("lifecycle", {}).get("events", 0))

    def letters() -> int:
        asked = "/v1/dead-letters?reason=profile_unreadable&state=open"
        return len(stack.get(asked).json()["dead_letters"])

    for name in PEOPLE:
        happens(stack, name, before=True)
    wait_until(
        lambda: all(events(f"{name}-visitor") and events(name) for name in PEOPLE), within=40
    )
    wait_until(lambda: settled(stack), within=40)
    (stored,) = redis.keys("daehwa:*:profile:broken")
    redis.set(stored, b"\xffrot", keepttl=True)
    stack.kill("dialogue")  # it may remember the profile
    for name in PEOPLE:
        happens(stack, name, before=False)
    wait_until(lambda: events("twin") == 6 and letters() == 3, within=60)
    wait_until(lambda: settled(stack), within=40)

    assert redis.get(stored) == b"\xffrot"
    for path in ("/v1/customers/broken", "/v1/customers?phone=%2B82223123401"):
        refused = stack.get(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "profile_unreadable")
    shown = command(stack, "customer", "broken")
    assert shown.returncode == 2
    assert "daehwa rebuild --replace" in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr

    code, done, said = rebuild(stack, "--replace")
    assert (code, done["skipped"]) == (0, 3), said
    assert events("broken") == 1
    for state_of_letters in ("open", "replayed"):
        asked = ("--reason", "profile_unreadable", "--state", state_of_letters)
        assert command(stack, "dead", "replay", *asked).returncode == 0
    wait_until(lambda: events("broken") == 6, within=40)
    wait_until(lambda: settled(stack), within=40)

    assert letters() == 0
    views = [stack.customer(f"{name}-visitor") for name in PEOPLE]
    assert [view["customer_id"] for view in views] == list(PEOPLE)
    for part in ("dialogues", "lifecycle", "consent", "value"):
        told = [re.sub(r'"[^"]*T[\d:.]+Z"', "", json.dumps(view[part])) for view in views]
        assert told[0] == told[1]
    said_of = [{one["type"] for one in stack.triggers(name)} for name in PEOPLE]
    assert said_of[0] == said_of[1]
    # The merge came before or after the order that was replayed, and the archive holds the order at
    # the place of its last replay: the memory of decisions may differ, facts may not.
    _, same, said = rebuild(stack, "--dry-run")
    profiles = {(one["key"], one["how"]) for one in same["first"] if one["what"] == "profile"}
    assert profiles <= {("broken", "decisions")}, json.dumps(same) + said
    assert (same["skipped"], same["different"]) == (0, len(same["first"])), "all are named"
    assert rebuild(stack, "--replace")[0] == 0
    code, same, _ = rebuild(stack, "--dry-run")
    assert (code, same["different"]) == (0, 0), json.dumps(same)
    redis.close()


@pytest.mark.destructive
def test_state_that_differs_is_told_and_can_be_replaced_under_a_running_worker(
    dropped: RunningStack,
) -> None:
    stack = dropped
    redis: Redis[bytes] = Redis.from_url(stack.environment["DAEHWA_REDIS_URL"])
    send_traffic(stack, "second", people=4)
    wait_until(lambda: quiet(stack, redis, "second"), within=40)
    before = state(redis)
    key = next(key for key in before if b":profile:second-customer-0" in key)
    lost = next(key for key in before if b":profile:second-customer-1" in key)
    redis.set(key, before[lost])
    redis.delete(lost)
    code, found, _ = rebuild(stack, "--dry-run")
    assert (code, found["different"]) == (1, 2)
    differences = {difference["key"]: difference["how"] for difference in found["first"]}
    assert differences["second-customer-1"] == "missing"
    assert "traits" in differences["second-customer-0"]

    code, _, said = rebuild(stack, "--replace")
    assert code == 0, said
    assert state(redis) == before
    who = {"userId": "second-customer-0"}
    events = stack.customer("second-customer-0")["lifecycle"]["events"]
    stack.send(item("page", who, properties={"path": "/products/new"}))
    wait_until(
        lambda: stack.customer("second-customer-0")["lifecycle"]["events"] == events + 1, within=40
    )
    redis.close()
