"""Bodies nobody should send, mixed with good events: no 5xx, no part dies, all accounted for."""

import asyncio
import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.collector.reading import LARGEST_BODY
from infra.clock import now_ms
from streams.dead_letters.dead_letter import dead_letter
from streams.tracking.body import Body, BodyError, read_batch, read_single
from streams.tracking.events import read_events
from tests.harness.paths import CAPTURES
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

SOURCE = "fuzz"
ODD = [
    "1e400", "-1e400", "9" * 30, "9" * 5000, '"\\ud800"', '"\\u0000"', "null", "[]", "{}", '""',
    "true", "-0.0", "1e-999", "[" * 150 + "]" * 150, "[" * 3000 + "]" * 3000,
    '"' + "x" * 40_000 + '"', "{\"\":{}}",
    '"9999-12-31T23:59:59-14:00"', '"0001-01-01"', "NaN", "Infinity", '"\\udc00\\ud800"',
]  # fmt: skip
FIELDS = [
    "type", "userId", "anonymousId", "messageId", "event", "properties", "traits", "context",
    "timestamp", "sentAt", "channel", "name", "groupId", "previousId", "originalTimestamp",
]  # fmt: skip


class Sent:
    """What the answers promised."""

    def __init__(self) -> None:
        # About when the collector receives them: what becomes of a stated time depends on it.
        self._began = now_ms()
        self.statuses: Counter[int] = Counter()
        self.accepted = 0
        self.events: set[tuple[str, str]] = set()
        self.letters: set[str] = set()

    def take(self, path: str, data: bytes, status: int, number: int) -> None:
        """Counts what became of one request, by the code that the collector reads it with."""
        self.statuses[status] += 1
        kind = path.removeprefix("/v1/")
        if status not in {200, 400}:
            return
        try:
            body: Body = read_batch(data) if kind == "batch" else read_single(data)
        except BodyError:
            assert status == 400
            return
        events, rejected = read_events(
            body, None if kind == "batch" else kind, self._began + number, SOURCE
        )
        self.accepted += len(events)
        self.events |= {(key, event.message_id) for key, event in events}
        self.letters |= {
            dead_letter(one.reason, "", f"collector:{SOURCE}/{kind}", one.payload, 0).id
            for one in rejected
        }


def captured() -> list[dict[str, Any]]:
    found = []
    for file in sorted(CAPTURES.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            body = json.loads(line)["body"]
            found += body.get("batch", [body])
    return found


MONEY = [5, "12.50", "1,234.50", "1,234", "12,000원", -3, 0, "", None, [], True, "free", 1e30]
NAMES = ["Order Completed", "order_completed", "Completed Order", "Order Updated", "Order Refunded",
         "Order Cancelled", "Product Added", "Product Removed", "Cart Emptied"]  # fmt: skip
WHEN = ["2026-01-15T03:00:00Z", 1768446000, "1768446000000", "20260115", 45672, "1/15/26", "", None]


def order(chance: random.Random) -> dict[str, Any]:
    """A step in the life of an order as shops send it, with odd money and times."""
    product = {
        "product_id": f"p-{chance.randrange(9)}",
        "category": chance.choice(["hats", "", 7]),
        "price": chance.choice(MONEY),
        "quantity": chance.choice([1, "2", -1, None]),
    }
    properties = {
        "order_id": chance.choice([f"S-{chance.randrange(20)}", chance.randrange(9), "", None]),
        "total": chance.choice(MONEY), "currency": chance.choice(["EUR", "eur", "KRW", "??", None]),
        "products": [product] * chance.randrange(4),
    }  # fmt: skip
    stated = chance.choice([properties, [], "", None, properties])
    return {"type": "track", "event": chance.choice(NAMES), "properties": stated,
            "timestamp": chance.choice(WHEN)}  # fmt: skip


def mutated(chance: random.Random, item: dict[str, Any], number: int) -> str:
    """An item of a real SDK, or an order, with some of its fields made odd."""
    if chance.random() < 0.4:
        item = order(chance)
    own = {**item, "userId": f"fuzz-{number % 997}", "messageId": f"m-{number}-{chance.random()}"}
    fields = {name: json.dumps(value) for name, value in own.items()}
    for name in chance.sample(FIELDS, chance.randrange(4)):
        fields[name] = chance.choice(ODD)
    if chance.random() < 0.2:
        fields["properties"] = f'{{"path":"/products/x","total":{chance.choice(ODD)}}}'
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


def damaged(chance: random.Random, data: bytes) -> bytes:
    """Some of its bytes changed, or its end cut off."""
    if chance.random() < 0.5:
        return data[: chance.randrange(len(data))]
    found = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def requests(count: int, seed: int) -> Iterator[tuple[str, bytes, bytes]]:
    """(path, body as sent, the same unpacked, b"" where that is not possible)."""
    chance = random.Random(seed)
    real = captured()
    large = b'{"batch":[' + b" " * 10 * 1024 * 1024 + b"]}"
    for number in range(count):
        what = chance.random()
        item = mutated(chance, chance.choice(real), number)
        good = json.dumps(
            {"type": "page", "userId": f"fuzz-{number % 997}", "messageId": f"good-{number}"}
        )
        batch = f'{{"batch":[{good},{item},{good if what < 0.3 else item}]}}'
        data = batch.encode("utf-8", "surrogatepass")
        if what < 0.6:
            yield "/v1/batch", data, data
        elif what < 0.7:
            single = item.encode("utf-8", "surrogatepass")
            yield f"/v1/{chance.choice(['track', 'page', 'identify', 'alias'])}", single, single
        elif what < 0.8:
            yield "/v1/batch", gzip.compress(data), data
        elif what < 0.85:
            yield "/v1/batch", gzip.compress(data)[:-9], b""
        elif what < 0.9:
            junk = chance.randbytes(chance.randrange(1, 2000))
            yield "/v1/batch", junk, b"" if junk.startswith(b"\x1f\x8b") else junk
        elif what < 0.9 + 1 / 500:
            body = large if chance.random() < 0.5 else gzip.compress(large)
            yield "/v1/batch", body, b""
        else:
            broken = damaged(chance, data)
            yield "/v1/batch", broken, broken


async def send_all(stack: RunningStack, count: int, seed: int) -> Sent:
    sent = Sent()
    numbered = enumerate(requests(count, seed), 1)

    async def send(client: httpx.AsyncClient) -> None:
        for number, (path, data, plain) in numbered:
            try:
                answer = await client.post(path, content=data)
            except httpx.TransportError:
                # 413 was answered before all was sent, and the connection closed: nothing is taken.
                assert len(data) > LARGEST_BODY
                sent.take(path, plain, 413, number)
                continue
            assert answer.status_code in {200, 400, 413}, (answer.status_code, data[:500])
            sent.take(path, plain, answer.status_code, number)

    # Connections are left before the server does, after 5 s: on a slow machine it closed one under
    # a request that had just been sent.
    limits = httpx.Limits(keepalive_expiry=1)
    async with httpx.AsyncClient(
        base_url=stack.url, headers={"x-write-key": "FUZZ"}, timeout=60, limits=limits
    ) as client:
        await asyncio.gather(*(send(client) for _ in range(8)))
    return sent


def metric(stack: RunningStack, part: str, *names: str) -> float:
    """The sum of a part's counters."""
    url = stack.url
    if part != "api":
        url = f"http://127.0.0.1:{stack.part(part).environ()['DAEHWA_METRICS_PORT']}"
    lines = httpx.get(f"{url}/metrics", timeout=20).text.splitlines()
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if any(line.startswith((f"{name}_total ", f"{name}_total{{")) for name in names)
    )


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(300, marks=pytest.mark.destructive),
        pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(3_000)]),
    ],
)
async def test_whatever_is_sent_nothing_breaks_and_all_is_accounted_for(
    tmp_path: Path, count: int
) -> None:
    stack = await asyncio.to_thread(
        RunningStack, tmp_path, DAEHWA_WRITE_KEYS=f"FUZZ={SOURCE}", DAEHWA_RATE_LIMIT="0"
    )
    try:
        before = sorted(process.pid for process in stack.parts())
        sent = await send_all(stack, count, seed=20260704)
        assert set(sent.statuses) == {200, 400, 413}

        events = (
            "select uniqExact(profile_key, message_id) from daehwa.events "
            f"where source = '{SOURCE}'"
        )
        letters = (
            "select count() from daehwa.dead_letters "
            f"where startsWith(origin, 'collector:{SOURCE}/')"
        )
        wait_until(lambda: stack.sql(events) == [(len(sent.events),)], within=120, every=0.2)
        wait_until(lambda: stack.sql(letters) == [(len(sent.letters),)], within=60, every=0.2)
        assert metric(stack, "api", "daehwa_events_accepted") == sent.accepted
        # The fold's own messages (deadlines, links, forwards) are on the log too, and archived.
        own = "select count() from daehwa.internal_events where type = 'adopt'"
        folds = ("daehwa_events_folded", "daehwa_events_dropped", "daehwa_dead_letters")
        wait_until(
            lambda: metric(stack, "dialogue", *folds) + stack.sql(own)[0][0] == archived(stack),
            within=60,
            every=0.2,
        )
        assert metric(stack, "dialogue", "daehwa_dead_letters") == 0
        assert sorted(process.pid for process in stack.parts()) == before
    finally:
        await asyncio.to_thread(stack.stop)


def archived(stack: RunningStack) -> float:
    """Events that the archive worker took off the log."""
    port = stack.part("archive").environ()["DAEHWA_METRICS_PORT"]
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text.splitlines()
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(("daehwa_rows_archived_total{", "daehwa_rows_repeated_total{"))
        and "events_stored" in line
    )
