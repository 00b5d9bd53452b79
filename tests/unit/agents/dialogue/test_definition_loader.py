"""A partition's writer at a control record: the old playbook before it, the new one after it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from agents.dialogue.definition_loader import DefinitionLoader
from agents.dialogue.partition_folder import PartitionFolder
from infra.kafka.definition_tail import DefinitionTail
from infra.settings import Settings
from schemas.definition import PLAYBOOK, Definition, InForce
from schemas.watermark import Watermark
from streams.codec.codec import encode_event
from streams.definitions.definitions import Definitions, adopt_event, decode_in_force
from tests.harness.histories import shop
from tests.unit.agents.dialogue.test_partition_folder import (
    LOG,
    Effects,
    Record,
    Store,
    folded,
    parts_of,
)
from tests.unit.streams.definitions.test_definitions import FIRST, SECOND, WRONG

T = TypeVar("T")


class Tail(DefinitionTail):
    """Says when somebody waits for a definition."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.asked = asyncio.Event()

    async def until(self, answer: Callable[[Definitions], T | None]) -> T:
        self.asked.set()
        return await super().until(answer)


class Worker:
    """One after the other, with the same state and log."""

    def __init__(self, *known: Definition) -> None:
        self.store = Store()
        self.effects = Effects()
        self.tail = Tail()
        self.tail.known = Definitions(known)

    @property
    def decided(self) -> list[tuple[str, str]]:
        """(customer, rule)"""
        return [(trigger.customer_id, trigger.rule) for trigger in self.effects.triggers]

    async def folder(self) -> PartitionFolder:
        parts = parts_of(self.store, self.effects, DefinitionLoader(self.tail, shop()))
        return await PartitionFolder.take_over(0, LOG, parts)

    def learns(self, definition: Definition) -> None:
        assert self.tail.known.add(definition)
        self.tail._dispatch()


def look(offset: int, visitor: str) -> Record:
    return Record(
        offset,
        b'{"message_id":"m%d","type":"page","occurred_at":1,"received_at":1,"anonymous_id":"%s",'
        b'"properties":{"path":"/products/hat"}}' % (offset, visitor.encode()),
    )


def adopt(offset: int, definition: Definition) -> Record:
    return Record(offset, encode_event(adopt_event(definition, 0, 1)))


async def test_a_batch_is_cut_at_the_control_record() -> None:
    worker = Worker(FIRST, SECOND)
    folder = await worker.folder()
    await folded(folder, look(0, "a"), look(1, "b"), adopt(2, SECOND), look(3, "c"))
    assert worker.decided == [("a", "looked"), ("b", "looked"), ("c", "noticed")]
    assert worker.effects.letters == []
    assert worker.store.folded == [3], "one batch, written in one step"
    assert (worker.store.held.log_id, worker.store.held.next_offset) == (LOG, 4)
    assert decode_in_force(worker.store.held.in_force) == {
        PLAYBOOK: InForce(SECOND.version, SECOND.at)
    }
    assert folder.adopted_at(PLAYBOOK) == SECOND.at


async def test_a_worker_that_comes_back_goes_on_with_what_was_in_force() -> None:
    worker = Worker(FIRST, SECOND)
    first = await worker.folder()
    await folded(first, look(0, "a"), adopt(1, SECOND))
    second = await worker.folder()
    assert second.next_offset == 2
    await folded(second, look(2, "b"))
    assert worker.decided == [("a", "looked"), ("b", "noticed")]


async def test_redis_that_lost_its_latest_writes_lost_what_was_in_force_with_them() -> None:
    worker = Worker(FIRST, SECOND)
    first = await worker.folder()
    await folded(first, look(0, "a"))
    standing, profiles = worker.store.held, dict(worker.store.profiles)
    await folded(first, look(1, "b"), adopt(2, SECOND), look(3, "c"))
    once = worker.decided
    worker.store.held, worker.store.profiles = standing, profiles
    second = await worker.folder()
    assert second.next_offset == 1
    del worker.effects.triggers[1:]
    await folded(second, look(1, "b"), adopt(2, SECOND), look(3, "c"))
    assert worker.decided == once, "a replay decides the same"


async def test_waits_for_a_definition_that_it_has_not_seen() -> None:
    worker = Worker(FIRST)
    folder = await worker.folder()
    records = [look(0, "a"), adopt(1, SECOND), look(2, "b")]
    for record in records:
        folder.waiting.put_nowait(record)
    folding = asyncio.create_task(folder.run())
    worker.tail.asked.clear()
    await asyncio.wait_for(worker.tail.asked.wait(), 5)
    assert worker.store.held == Watermark("", 0), "nothing is decided before it is known by what"
    worker.learns(SECOND)
    await asyncio.wait_for(records[-1].acknowledged.wait(), 5)
    folding.cancel()
    assert worker.decided == [("a", "looked"), ("b", "noticed")]


async def test_a_control_record_twice_or_too_late_changes_nothing() -> None:
    worker = Worker(FIRST, SECOND)
    folder = await worker.folder()
    await folded(
        folder, adopt(0, SECOND), look(1, "a"), adopt(2, SECOND), adopt(3, FIRST), look(4, "b")
    )
    assert worker.decided == [("a", "noticed"), ("b", "noticed")]


async def test_a_playbook_that_cannot_be_used_leaves_the_old_one_and_stops_nobody() -> None:
    worker = Worker(FIRST, SECOND, WRONG)
    folder = await worker.folder()
    await folded(folder, adopt(0, SECOND), adopt(1, WRONG), look(2, "a"))
    assert worker.decided == [("a", "noticed")]
    assert folder.adopted_at(PLAYBOOK) == SECOND.at


async def test_the_events_of_a_strange_partition_are_sent_on_also_around_a_control_record() -> None:
    worker = Worker(FIRST, SECOND)
    worker.effects.partitions = 64
    folder = await worker.folder()
    await folded(folder, look(0, "astray-1"), adopt(1, SECOND), look(2, "astray-2"))
    assert worker.decided == []
    assert worker.store.held.next_offset == 3
