"""The archive worker killed at random, ClickHouse stopped and started, while events load: every
view is exact, and the archive check agrees."""

import asyncio
import random
from pathlib import Path

import pytest
from clickhouse_driver import Client

from infra.archive_check.check import ArchiveCheck
from infra.archive_check.finding import Finding
from infra.archive_check.rows import checked_rows
from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import ClickHouseUnavailable
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from streams.privacy.erasure import Tombstones
from tests.contract.view_oracles.comparing import ORACLES, assert_equal, rows_of
from tests.contract.view_oracles.reading import Reading
from tests.harness.archive_fleet import ArchiveFleet, archive_fleet
from tests.harness.crm_history import crm_history
from tests.harness.waiting import wait_until

KILLS = 20
WAIT_S = 120


@pytest.mark.destructive
@pytest.mark.timeout(400)
async def test_views_are_exact_whatever_is_killed(tmp_path: Path) -> None:
    await _load(tmp_path, 100_000, seed=random.randrange(2**32))


@pytest.mark.slow
@pytest.mark.timeout(3_600)
async def test_views_are_exact_over_a_million_events(tmp_path: Path) -> None:
    await _load(tmp_path, 1_000_000, seed=random.randrange(2**32))


async def _load(folder: Path, events: int, seed: int) -> None:
    print(f"seed {seed}")  # to be able to repeat a failure
    chance = random.Random(seed)
    history = crm_history(events, seed)
    async with archive_fleet(folder) as fleet:
        worker = await fleet.worker()
        # A worker that died after it wrote its triggers writes them again.
        await fleet.append(history.arrivals, [*history.triggers, *history.triggers[:50]])
        stops = set(chance.sample(range(KILLS), 2))
        for kill in range(KILLS):
            # In the middle of its start, or of a block.
            if kill % 4:
                await fleet.ready()
            await asyncio.sleep(chance.uniform(0, 1))
            await fleet.kill(worker)
            if kill in stops:
                await fleet.clickhouse.kill()
            worker = await fleet.worker()
            if kill in stops:
                await asyncio.sleep(chance.uniform(0, 4))
                await fleet.clickhouse.start()
        await _settled(fleet)
        client = open_client(fleet.settings)
        try:
            reading = Reading(history)
            distinct = {(fact.who, fact.event.message_id) for fact in history.facts}
            ((stored,),) = client.execute("SELECT count() FROM daehwa.events_stored WHERE copy = 0")
            assert stored == len(distinct)
            for view, oracle in ORACLES.items():
                assert_equal(view, rows_of(client, view), oracle(reading))
            assert [one for one in _check(fleet.settings, client) if not one.ok] == []
            _lose_a_part(client)
            wrong = {one.check for one in _check(fleet.settings, client) if not one.ok}
            assert {"log of events", "facts in stages_stored"} <= wrong
        finally:
            client.disconnect()
            await fleet.kill(worker)


async def _settled(fleet: ArchiveFleet) -> None:
    """Waits until the worker has archived the whole log."""

    def settled() -> bool:
        client = open_client(fleet.settings)
        try:
            return all(" 0 waiting" in one.found for one in _positions(fleet.settings, client))
        except (ClickHouseUnavailable, OSError, EOFError):
            return False
        finally:
            client.disconnect()

    await asyncio.to_thread(wait_until, settled, within=WAIT_S)


def _archive_check(settings: Settings, client: Client) -> ArchiveCheck:
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    rows = checked_rows(playbook, Tombstones(), "")
    return ArchiveCheck(settings, client, rows, lambda *_: None)


def _positions(settings: Settings, client: Client) -> list[Finding]:
    return _archive_check(settings, client).positions()


def _check(settings: Settings, client: Client) -> list[Finding]:
    return list(_archive_check(settings, client).run(repair=False))


def _lose_a_part(client: Client) -> None:
    ((name,), *_) = client.execute(
        "SELECT name FROM system.parts WHERE active AND database = 'daehwa'"
        " AND table = 'events_stored' ORDER BY rows DESC"
    )
    client.execute(f"ALTER TABLE daehwa.events_stored DROP PART '{name}'")
