"""Playbooks and models change while events flow: what came before is decided by the old one, what
came after by the new one, whoever dies meanwhile."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from infra.kafka.definitions import publish
from infra.settings import SHIPPED_PLAYBOOK
from schemas.definition import CHURN_MODEL, PLAYBOOK
from schemas.models import BgNbd, ChurnModels
from streams.definitions.definitions import adoption_of, version_of
from tests.harness.checking import check
from tests.harness.fleet import Fleet, fleet
from tests.harness.flow import Flow
from tests.harness.traffic import disturbed, shop_traffic

EVENTS = 3_000

SHIPPED = SHIPPED_PLAYBOOK.read_text(encoding="utf-8")
NEW_RULE = """
  - name: just-looking
    when: stage.reached
    topic: product/*
    stages: [introduction]
"""
WITH_NEW_RULE = SHIPPED.replace("\ntriggers:\n", f"\ntriggers:{NEW_RULE}", 1)


async def until_flowed(flow: Flow, part: float) -> None:
    while flow.part < part:
        await asyncio.wait_for(flow.appended(), 30)


@pytest.mark.destructive
@pytest.mark.timeout(240)
async def test_a_playbook_is_pushed_while_events_flow_and_workers_and_redis_die(
    tmp_path: Path,
) -> None:
    events = shop_traffic(EVENTS, 400, seed=21)
    async with fleet(tmp_path) as running:
        first, _ = await asyncio.gather(running.worker(), running.worker())
        arriving = disturbed(events, seed=21, copies=0.05, late=0.1)
        flow = Flow(running.log, arriving, piece=50, pause=0.1)
        try:
            await until_flowed(flow, 0.3)
            model = msgspec.json.encode(ChurnModels(churn=BgNbd(r=0.5, fitted=True))).decode()
            await publish(running.settings, CHURN_MODEL, model, "a test")
            adopted = await publish(running.settings, PLAYBOOK, WITH_NEW_RULE, "a test")
            assert flow.flowing, "it was in mid-stream"
            await running.kill_worker(first)
            await until_flowed(flow, 0.6)
            await running.lose_a_second()
            await flow.finish()
        finally:
            await flow.stop()
        # Byte for byte what one pass over the log makes of it, triggers and their versions too.
        await check(running, events, within=90)
        await every_partition_switched(running, adopted.version)


async def every_partition_switched(running: Fleet, version: str) -> None:
    log, _ = await running.log.events()
    for partition in log:
        adopted = [found for event in partition if (found := adoption_of(event)) is not None]
        assert {found.kind for found in adopted} == {PLAYBOOK, CHURN_MODEL}
    triggers = await running.log.triggers()
    assert {trigger.playbook for trigger in triggers} == {version_of(SHIPPED), version}
    new = {trigger.playbook for trigger in triggers if trigger.rule == "just-looking"}
    assert new == {version}
