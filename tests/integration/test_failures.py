"""Dependencies die: nothing is lost, nothing is counted twice, and it heals by itself."""

import signal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from clickhouse_driver.errors import Error as ClickHouseError
from segment.analytics.client import Client as SegmentClient

from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until
from tests.harness.web import get


def pages(visitor: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "page",
            "anonymousId": visitor,
            "messageId": f"{visitor}-{index}",
            "properties": {"path": "/products/shoes"},
        }
        for index in range(count)
    ]


def counted(stack: RunningStack, visitor: str) -> int:
    view = stack.customer(visitor)
    return int(view["lifecycle"]["events"]) if view else 0


def archived(stack: RunningStack, prefix: str) -> int:
    """Events archived of the visitors whose names begin so; -1 while ClickHouse is unavailable."""
    query = f"select count() from daehwa.events where startsWith(anonymous_id, '{prefix}')"
    try:
        return int(stack.sql(query)[0][0])
    except (OSError, EOFError, ClickHouseError):
        return -1


def refused(stack: RunningStack) -> float:
    """Requests answered 503 so far."""
    metrics = get(f"{stack.url}/metrics", timeout=10).text
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in metrics.splitlines()
        if line.startswith('daehwa_requests_refused_total{code="unavailable"}')
    )


def test_kafka_stopped_is_said_and_the_retry_arrives(robust: RunningStack) -> None:
    stack = robust
    assert stack.send(*pages("before", 3)).status_code == 200
    wait_until(lambda: archived(stack, "before") == 3)
    kafka = stack.part("kafka")
    kafka.suspend()
    wait_until(lambda: kafka.status() == psutil.STATUS_STOPPED)  # the signal takes a moment
    answer = stack.send(*pages("after", 5))
    assert answer.status_code == 503
    assert answer.json()["code"]
    assert int(answer.headers["Retry-After"]) >= 1
    kafka.resume()

    def retried() -> bool:
        return stack.send(*pages("after", 5)).status_code == 200

    wait_until(retried, within=30)
    wait_until(lambda: counted(stack, "after") == 5, within=30)
    wait_until(lambda: archived(stack, "after") == 5, within=30)
    assert counted(stack, "before") == 3


@pytest.mark.destructive
def test_a_broker_that_died_is_started_again_and_hides_nothing(robust: RunningStack) -> None:
    stack = robust
    for round_of in range(3):
        assert stack.send(*pages(f"round-{round_of}", 4)).status_code == 200
    wait_until(lambda: archived(stack, "round-") == 12)
    stack.kill("kafka")

    def accepted() -> bool:
        try:
            return stack.send(*pages("new-broker", 4)).status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(accepted, within=30)
    # The new broker counts from 0 again: an old watermark must not hide its first events.
    wait_until(lambda: counted(stack, "new-broker") == 4, within=40)
    wait_until(lambda: archived(stack, "new-broker") == 4, within=40)
    assert archived(stack, "round-") == 12
    assert [counted(stack, f"round-{round_of}") for round_of in range(3)] == [4, 4, 4]


@pytest.mark.destructive
@pytest.mark.parametrize("trouble", ["stopped", "killed"])
def test_the_sdk_retries_until_kafka_is_back(robust: RunningStack, trouble: str) -> None:
    visitor = f"sdk-{trouble}"
    kafka = robust.part("kafka")
    if trouble == "stopped":
        kafka.suspend()
    else:
        robust.kill("kafka")
    before = refused(robust)
    sdk = SegmentClient(robust.write_key, host=robust.url, upload_interval=0.05, max_retries=20)
    sdk.page(anonymous_id=visitor, name="shoes", properties={"path": "/products/shoes"})
    sdk.track(anonymous_id=visitor, event="Product Viewed", properties={"category": "shoes"})
    if trouble == "stopped":
        wait_until(lambda: refused(robust) > before, within=20)
        kafka.resume()
    wait_until(lambda: counted(robust, visitor) == 2, within=60)
    wait_until(lambda: archived(robust, visitor) == 2, within=40)
    sdk.join()


@pytest.mark.parametrize(
    "victim",
    [
        "dialogue",
        *(
            pytest.param(one, marks=pytest.mark.destructive)
            for one in ("archive", "redis", "clickhouse")
        ),
    ],
)
def test_a_part_killed_in_mid_stream_loses_and_doubles_nothing(
    robust: RunningStack, victim: str
) -> None:
    stack = robust
    visitors = [f"{victim}-{number}" for number in range(40)]
    for number, visitor in enumerate(visitors):
        assert stack.send(*pages(visitor, 5)).status_code == 200
        if number == 20:
            stack.kill(victim)
    wait_until(lambda: stack.has(victim), within=30)
    for visitor in visitors:
        wait_until(lambda visitor=visitor: counted(stack, visitor) == 5, within=40)
    wait_until(lambda: archived(stack, f"{victim}-") == 200, within=40)


@pytest.mark.slow  # two stacks one after the other; make test-kafka runs it too
def test_data_survives_a_restart_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = RunningStack(tmp_path, data=data)
    assert first.send(*pages("stayer", 6)).status_code == 200
    parts = first.parts()
    assert first.interrupt(signal.SIGINT) in (0, 130)
    _, alive = psutil.wait_procs(parts, timeout=5)
    assert alive == []

    second = RunningStack(tmp_path, data=data)
    try:
        # Accepted just before Ctrl-C: folded and archived before everything stopped.
        assert counted(second, "stayer") == 6
        assert archived(second, "stayer") == 6
        assert second.send(*pages("stayer", 6)).status_code == 200
        assert second.send(*pages("newcomer", 1)).status_code == 200
        wait_until(lambda: counted(second, "newcomer") == 1)
        assert counted(second, "stayer") == 6
    finally:
        second.stop()


@pytest.mark.slow
def test_parts_die_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    stack = RunningStack(tmp_path)
    parts = [part for part in stack.parts() if "-c" not in part.cmdline()]
    stack.interrupt(signal.SIGKILL)
    _, alive = psutil.wait_procs(parts, timeout=10)
    assert alive == []
