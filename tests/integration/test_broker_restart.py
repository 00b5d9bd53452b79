"""Apache Kafka is killed in mid-stream: its log is kept, the workers live through it, and every
event that was accepted is folded and archived once."""

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clickhouse_driver.errors import Error as ClickHouseError

from infra.embedded.apache_kafka import missing
from infra.kafka.names import EVENTS
from infra.kafka.topics import TopicAdmin
from infra.settings import Settings
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("DAEHWA_EMBEDDED_KAFKA") != "apache",
        reason="a broker that keeps its log: run by make test-kafka",
    ),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    assert not missing(), missing()
    running = RunningStack(tmp_path_factory.mktemp("apache"))
    try:
        yield running
    finally:
        running.stop()


class Visitors:
    """Send without end, each again until it is accepted."""

    def __init__(self, stack: RunningStack, prefix: str, count: int) -> None:
        self._stack = stack
        self._names = [f"{prefix}-{number}" for number in range(count)]
        self.accepted: dict[str, int] = dict.fromkeys(self._names, 0)
        """Events accepted, by visitor."""
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Visitors":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def total(self) -> int:
        return sum(self.accepted.values())

    def _run(self) -> None:
        number = 0
        while not self._enough.is_set():
            number += 1
            for name in self._names:
                while not self._send(page(name, number)):
                    self._enough.wait(0.05)
                self.accepted[name] += 1

    def _send(self, item: dict[str, Any]) -> bool:
        try:
            return self._stack.send(item).status_code == 200
        except httpx.HTTPError:
            return False


def page(visitor: str, number: int) -> dict[str, Any]:
    return {
        "type": "page",
        "anonymousId": visitor,
        "messageId": f"{visitor}-{number}",
        "properties": {"path": "/products/shoes"},
    }


def counted(stack: RunningStack, visitor: str) -> int:
    view = stack.customer(visitor)
    return int(view["lifecycle"]["events"]) if view else 0


def archived(stack: RunningStack, prefix: str) -> int:
    query = (
        "select uniqExact(message_id) from daehwa.events"
        f" where startsWith(anonymous_id, '{prefix}-')"
    )
    try:
        return int(stack.sql(query)[0][0])
    except (OSError, EOFError, ClickHouseError):
        return -1


def identity(stack: RunningStack) -> str:
    admin = TopicAdmin(Settings(kafka_url=stack.environment["DAEHWA_KAFKA_URL"]))
    try:
        return admin.identity(EVENTS)
    finally:
        admin.close()


def all_arrived(stack: RunningStack, prefix: str, accepted: dict[str, int]) -> None:
    for visitor, count in accepted.items():
        wait_until(lambda v=visitor, c=count: counted(stack, v) >= c, within=60)
    assert {visitor: counted(stack, visitor) for visitor in accepted} == accepted
    wait_until(lambda: archived(stack, prefix) == sum(accepted.values()), within=60)


@pytest.mark.parametrize("round_of", [1, 2])
def test_a_killed_broker_comes_back_with_its_log_and_the_workers_go_on(
    stack: RunningStack, round_of: int
) -> None:
    before = identity(stack)
    workers = {name: stack.part(name) for name in ("dialogue", "archive")}
    prefix = f"killed-{round_of}"
    with Visitors(stack, prefix, 10) as visitors:
        wait_until(lambda: visitors.total() >= 200, within=30)
        killed = stack.kill("kafka")
        reached = visitors.total()
        wait_until(lambda: stack.has("kafka") and stack.part("kafka").pid != killed.pid, within=30)
        wait_until(lambda: visitors.total() >= reached + 200, within=60)
    all_arrived(stack, prefix, visitors.accepted)
    assert identity(stack) == before
    for name, process in workers.items():
        assert process.is_running() and stack.part(name) == process, f"{name} was started anew"


def test_a_broker_that_stood_still_is_caught_up_with(
    stack: RunningStack,
) -> None:
    with Visitors(stack, "still", 5) as visitors:
        wait_until(lambda: visitors.total() >= 50, within=30)
        kafka = stack.part("kafka")
        kafka.suspend()
        refused = stack.send(page("nobody", 1))
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        kafka.send_signal(signal.SIGCONT)
        reached = visitors.total()
        wait_until(lambda: visitors.total() >= reached + 50, within=60)
    all_arrived(stack, "still", visitors.accepted)
