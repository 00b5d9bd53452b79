"""Dead letters through every real part: looked at, replayed after a fix, counted once."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from streams.codec.codec import encode_dead_letter
from streams.dead_letters.dead_letter import dead_letter
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until
from tests.harness.web import get


def new(name: str) -> str:
    return f"{name}-{uuid4()}"


def command(stack: RunningStack, *words: str) -> tuple[int, Any]:
    """`daehwa dead …`: exit code and JSON."""
    run = subprocess.run(
        [str(Path(sys.executable).with_name("daehwa")), "dead", *words, "--json"],
        env=stack.environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode in (0, 1), run.stderr.decode()
    return run.returncode, json.loads(run.stdout)


def replay(stack: RunningStack, **letter_filter: Any) -> dict[str, Any]:
    answer = httpx.post(
        f"{stack.url}/v1/dead-letters/replay", headers=stack.headers, json=letter_filter, timeout=30
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def seen(stack: RunningStack, customer: str) -> int:
    return int(stack.customer(customer).get("lifecycle", {}).get("events", 0))


def archived(stack: RunningStack, customer: str) -> int:
    ((rows,),) = stack.sql(f"select count() from daehwa.events where user_id = '{customer}'")
    return int(rows)


async def put_letters(stack: RunningStack, *letters: Any) -> None:
    """Letters as a former version left them behind, waited for until they are archived."""
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.environment["DAEHWA_KAFKA_URL"].removeprefix("kafka://")
    )
    await producer.start()
    try:
        for letter in letters:
            await producer.send_and_wait(
                "daehwa.dead-letters", encode_dead_letter(letter), partition=0
            )
    finally:
        await producer.stop()
    for letter in letters:
        wait_until(lambda one=letter: stack.get(f"/v1/dead-letters/{one.id}").status_code == 200)


def of_the_log(customer: str, reason: str = "fold_failed", **fields: Any) -> Any:
    """The letter of an event that a former version could not fold."""
    at = int(time.time() * 1000)
    event = {
        "message_id": str(uuid4()),
        "type": "page",
        "user_id": customer,
        "occurred_at": at,
        "received_at": at,
        "properties": {"path": "/products/kites"},
        **fields,
    }
    origin = f"daehwa.events/0/{900_000_000 + at % 1_000_000}[0]"
    return dead_letter(reason, "ValueError()", origin, json.dumps(event).encode(), at)


async def test_what_a_fix_lets_fold_is_replayed_twice_and_counted_once(stack: RunningStack) -> None:
    customer = new("customer")
    letter = of_the_log(customer)
    older = dead_letter(
        "invalid_event",
        "a former version did not know it",
        "collector:demo",
        json.dumps({"type": "page", "userId": customer, "messageId": new("m")}).encode(),
        letter.at,
    )
    await put_letters(stack, letter, older)
    ids = [letter.id, older.id]

    assert replay(stack, ids=ids, dry_run=True)["replayed"] == 2
    assert seen(stack, customer) == 0
    first = replay(stack, ids=ids, by="somebody")
    assert (first["total"], first["replayed"], first["already"]) == (2, 2, 0)
    replay(stack, ids=ids)  # at once: the archive may not have it, the profile does
    wait_until(lambda: seen(stack, customer) == 2)
    wait_until(lambda: archived(stack, customer) == 2)
    third = replay(stack, ids=ids)  # the archive has it: nothing is sent
    assert (third["replayed"], third["already"]) == (2, 2)

    # What is said last is folded last: then every copy has come by.
    stack.send({"type": "page", "userId": customer, "messageId": new("m")})
    wait_until(lambda: archived(stack, customer) == 3)
    wait_until(lambda: seen(stack, customer) == 3)
    shown = stack.get(f"/v1/dead-letters/{letter.id}").json()
    assert (shown["state"], shown["payload"]["json"]["user_id"]) == ("replayed", customer)


async def test_a_crash_between_sending_and_marking_counts_once(stack: RunningStack) -> None:
    """The letter is open though its event is on the log, as after a crash: the profile has long
    forgotten the message id, the archive has not."""
    customer = new("customer")
    letter = of_the_log(customer)
    await put_letters(stack, letter)
    replay(stack, ids=[letter.id])
    wait_until(lambda: archived(stack, customer) == 1)
    began = stack.get(f"/v1/dead-letters/{letter.id}").json()["state_at"]
    stack.sql(
        "insert into daehwa.dead_letter_outcomes (id, state, at, by, detail) select "
        f"'{letter.id}', 'open', parseDateTime64BestEffort('{began}', 3, 'UTC'), 'crash', ''"
    )
    wait_until(lambda: stack.get(f"/v1/dead-letters/{letter.id}").json()["state"] == "open")
    assert replay(stack, ids=[letter.id])["already"] == 1
    assert stack.get(f"/v1/dead-letters/{letter.id}").json()["state"] == "replayed"


def test_what_is_still_wrong_stays_open_or_is_discarded_and_never_deleted(
    stack: RunningStack,
) -> None:
    marker = new("marker")
    begin = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    refused = httpx.post(
        f"{stack.url}/v1/track", json={"userId": marker}, auth=(stack.write_key, "")
    )
    assert refused.status_code == 400
    stack.send({"type": "no such type", "userId": marker})

    def mine() -> list[dict[str, Any]]:
        found = command(stack, "list", "--reason", "invalid_event", "--since", begin)[1]
        shown = [stack.get(f"/v1/dead-letters/{one['id']}").json() for one in found["dead_letters"]]
        return [one for one in shown if marker in str(one["payload"])]

    single, batched = sorted(
        wait_until(lambda: (found := mine()) and len(found) == 2 and found),
        key=lambda one: one["origin"],
        reverse=True,
    )
    assert single["origin"].endswith("/track")
    assert batched["origin"].endswith("/batch")

    code, kept = command(stack, "replay", single["id"])
    assert (code, kept["kept"], kept["replayed"]) == (1, 1, 0)
    still = stack.get(f"/v1/dead-letters/{single['id']}").json()
    assert still["state"] == "open"
    assert "needs `event`" in still["state_detail"]

    code, discarded = command(stack, "replay", single["id"], batched["id"], "--policy", "discard")
    assert (code, discarded["discarded"]) == (0, 2)
    shown = command(stack, "show", single["id"])[1]
    assert (shown["state"], shown["payload"]["json"]) == ("discarded", {"userId": marker})
    assert shown["state_by"]
    assert mine() == []


async def test_pages_go_on_where_the_last_ended(stack: RunningStack) -> None:
    customer = new("customer")
    letters = [of_the_log(customer, message_id=f"{customer}-{index}") for index in range(7)]
    await put_letters(stack, *letters)
    origin = letters[0].origin[:19]
    listed: list[str] = []
    cursor = ""
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = stack.get(f"/v1/dead-letters?origin={origin}&limit=3{more}").json()
        listed += [one["id"] for one in page["dead_letters"]]
        cursor = page["next"]
        if not cursor:
            break
    assert set(listed) >= {letter.id for letter in letters}
    assert len(listed) == len(set(listed))

    after, replayed = "", 0
    while after is not None:
        answer = replay(stack, ids=[letter.id for letter in letters], limit=3, after=after)
        assert answer["replayed"] <= 3
        replayed += answer["replayed"]
        after = answer["next"]
    assert replayed == 7
    wait_until(lambda: seen(stack, customer) == 7)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/dead-letters/none", 404),
        ("/v1/dead-letters?cursor=%00", 400),
        ("/v1/dead-letters?reason=other", 422),
        ("/v1/dead-letters?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z", 200),
    ],
)
def test_odd_questions_are_answered(stack: RunningStack, path: str, status: int) -> None:
    assert stack.get(path).status_code == status


def test_looking_and_replaying_need_the_token(stack: RunningStack) -> None:
    assert get(f"{stack.url}/v1/dead-letters").status_code == 401
    assert httpx.post(f"{stack.url}/v1/dead-letters/replay", json={}).status_code == 401
