"""A version whose fold fails for every event stops its partitions, says so, and loses nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infra.embedded.own_parts import api_part
from infra.embedded.ports import free_ports
from infra.embedded.process import PartProcess
from infra.embedded.stack import environment_of
from infra.kafka.names import DEAD_LETTERS
from tests.harness.checking import check
from tests.harness.fleet import Fleet, fleet
from tests.harness.traffic import disturbed, shop_traffic
from tests.harness.waiting import wait_until
from tests.harness.web import get

EVENTS, VISITORS = 300, 60


@pytest_asyncio.fixture
async def running(tmp_path_factory: object) -> AsyncIterator[Fleet]:
    folder = tmp_path_factory.mktemp("halt")  # type: ignore[attr-defined]
    async with fleet(folder, fold_failed_in_a_row=5) as made:
        yield made


@pytest.mark.destructive
async def test_a_partition_stops_says_why_and_goes_on_with_a_mended_version(
    running: Fleet,
) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    environment = {**environment_of(running.settings), "DAEHWA_PORT": str(port)}
    api = PartProcess(api_part(url, environment, running.folder))
    sent = shop_traffic(EVENTS, VISITORS, seed=3)
    broken = await running.worker(module="tests.harness.broken_worker")
    await api.start()
    try:
        await running.log.append(disturbed(sent, seed=3, copies=0.05, late=0.1))
        halted = await asyncio.to_thread(_halted, url, running.settings.partitions)
    finally:
        await api.stop()
    for halt in halted.values():
        assert halt["reason"] == "5 events in a row could not be folded"
        assert "a made-up fault of the fold" in halt["problem"]
        assert halt["offset"] == 0
    assert await running.log.size(DEAD_LETTERS) == 0, "nothing has to be replayed"
    assert "the partition has stopped" in broken.part.log_file.read_text(encoding="utf-8")

    running.forget(broken)
    await broken.stop()
    await running.worker()
    checked = await check(running, sent)
    assert checked.profiles > 0
    assert await running.log.size(DEAD_LETTERS) == 0


def _halted(url: str, partitions: int) -> dict[str, dict[str, object]]:
    """What `/readyz` says once every partition has stopped."""

    def all_halted() -> dict[str, dict[str, object]] | None:
        found: dict[str, dict[str, object]] = get(f"{url}/readyz").json()["halted"]
        return found if len(found) == partitions else None

    halted = wait_until(all_halted, within=30)
    assert halted is not None
    return halted
