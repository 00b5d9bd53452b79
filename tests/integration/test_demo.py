"""`daehwa up --demo`, as a person starts it: true triggers within seconds, nothing left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO, Any

import psutil
import pytest

from infra.cli.running import DEMO_WRITE_KEY
from infra.demo.purchase_histories import history_file, order_items, read_histories
from infra.demo.sender import RefusedError, Sender
from infra.demo.shoppers import Shoppers
from tests.harness.waiting import wait_until
from tests.harness.web import get

pytestmark = pytest.mark.destructive  # a stack of its own under load

BEGAN = 1_760_000_000_000


@dataclass
class Demo:
    process: "subprocess.Popen[str]"
    url: str
    token: str
    seen: list[str]
    """What it has said so far."""

    @property
    def output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def line_with(self, *words: str) -> str:
        """The first line that has all the words; waits for it."""
        for line in self.seen:
            if all(word in line for word in words):
                return line
        for line in self.output:
            self.seen.append(line)
            if all(word in line for word in words):
                return line
        raise AssertionError(f"the demo ended before it said {words}:\n" + "".join(self.seen))

    def customer(self, customer_id: str) -> dict[str, Any] | None:
        answer = get(
            f"{self.url}/v1/customers/{customer_id}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        return answer.json() if answer.status_code == 200 else None

    def sender(self) -> Sender:
        return Sender(self.url, DEMO_WRITE_KEY, self.token)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    errors = tmp_path_factory.mktemp("demo") / "stderr"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("DAEHWA_")
    }
    with errors.open("w") as error_file:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "daehwa", "up", "--demo", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=error_file,
            text=True,
            env=environment,
        )
    found = Demo(process, "", "", [])
    try:
        address = found.line_with("first page").split()[-1]
        found.url, _, found.token = address.partition("/#token=")
        yield found
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def test_triggers_come_with_their_reasons(demo: Demo) -> None:
    assert "reached" in demo.line_with("stage.reached")
    left = demo.line_with("churn.risk", "cdnow-")
    assert "bought" in left
    assert ", last on 199" in left
    stalled = demo.line_with("stage.stalled")
    assert "was quiet for 30 min" in stalled


def test_the_status_tells_of_every_part(demo: Demo) -> None:
    line = demo.line_with("events/s", "archived")
    assert "?" not in line


async def test_a_history_sent_twice_counts_once_with_its_true_dates(demo: Demo) -> None:
    path = history_file()
    assert path is not None
    # The last to have bought first: the demo itself comes to them only after many minutes.
    late = [found for found in read_histories(path)[-300:] if len(found.purchases) <= 24]
    history = max(late, key=lambda found: len(found.purchases))
    batch = order_items(history)
    sender = demo.sender()
    await sender.send(batch)
    await sender.send(batch)
    await sender.close()
    assert sender.accepted == 2 * len(history.purchases)
    last = f"last on {history.purchases[-1].day}"

    def noticed() -> dict[str, Any] | None:
        found = demo.customer(history.customer_id)
        return found if found and last in str(found["recent_triggers"]) else None

    found = await asyncio.to_thread(wait_until, noticed, within=30)
    assert found is not None
    assert found["lifecycle"]["purchases"] == len(history.purchases)
    purchase = found["dialogues"]["product/cd"]["stages"]["purchase"]
    assert purchase["count"] == len(history.purchases)
    days = len({purchase.day for purchase in history.purchases})
    assert f"bought on {days} days" in str(found["recent_triggers"])


async def test_what_shoppers_and_callers_did_is_folded(demo: Demo) -> None:
    shoppers = Shoppers(Random(20), BEGAN, 10)
    items = shoppers.until(BEGAN + 120_000)
    ordered = next(item for item in items if item.get("event") == "Order Completed")
    customer = ordered["userId"]
    sender = demo.sender()
    await sender.send(items)
    await sender.send_contacts(
        [
            {
                "user_id": customer,
                "code": "complaint.opened",
                "channel": "call",
                "properties": {"about": "delivery"},
            }
        ]
    )
    await sender.close()

    def folded() -> bool:
        found = demo.customer(customer)
        return found is not None and "complaint/delivery" in found["dialogues"]

    await asyncio.to_thread(wait_until, folded, within=30)
    found = demo.customer(customer)
    assert found is not None
    assert found["dialogues"]["complaint/delivery"]["stage"] == "opened"
    bought = ordered["properties"]["products"][0]["product_id"]
    assert found["dialogues"][f"product/{bought}"]["stages"]["purchase"]["count"] >= 1


async def test_what_can_never_be_accepted_is_not_tried_for_ever(demo: Demo) -> None:
    sender = Sender(demo.url, "no-such-key", "no-such-token")
    with pytest.raises(RefusedError, match="401"):
        await sender.send([{"type": "track", "event": "x", "userId": "somebody"}])
    with pytest.raises(RefusedError, match="401"):
        await sender.send_contacts([{"user_id": "somebody", "code": "x", "channel": "call"}])
    await sender.close()
    assert sender.attempts == 2


async def test_what_is_not_accepted_now_is_sent_again_with_the_same_ids() -> None:
    answers = [
        b"",
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ]
    bodies: list[dict[str, Any]] = []
    times: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].split("\r\n")[0])
                bodies.append(json.loads(await reader.readexactly(length)))
                times.append(asyncio.get_running_loop().time())
                writer.write(answers[len(bodies) - 1])
                if not answers[len(bodies) - 1]:
                    break
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = Sender(f"http://127.0.0.1:{port}", "demo", "")
    items = Shoppers(Random(20), BEGAN, 1).until(BEGAN + 60_000)
    await sender.send(items)
    await sender.close()
    server.close()
    assert (sender.attempts, sender.accepted) == (4, len(items))
    assert [body["batch"] for body in bodies] == [items] * 4
    assert len({body["sentAt"] for body in bodies}) == 4
    assert times[2] - times[1] >= 1


def test_ctrl_c_leaves_no_process_behind(demo: Demo) -> None:
    started = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(started) >= 5
    demo.process.send_signal(signal.SIGINT)
    demo.process.communicate(timeout=60)
    assert demo.process.returncode == 0
    assert not [process for process in started if process.is_running()]
