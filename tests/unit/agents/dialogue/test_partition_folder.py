"""One partition's single writer, with dependencies that are made up: what it keeps, and when it
must not go on."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from agents.archive.app import ArchiveWorker
from agents.archive.batcher import MAX_WAITING_RECORDS as MAX_GATHERED
from agents.dialogue import partition_folder
from agents.dialogue.app import DialogueWorker
from agents.dialogue.definition_loader import DefinitionLoader
from agents.dialogue.effects import TriggerRecord
from agents.dialogue.folder_parts import FolderParts
from agents.dialogue.partition_folder import (
    MAX_WAITING_RECORDS,
    PartitionFolder,
    StateFellBackError,
)
from infra.kafka.definition_tail import DefinitionTail
from infra.redis.partition_halts import Halt
from infra.redis.state_store import NO_WATERMARK, FencedError, Fetched
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.dead_letter import DeadLetter
from schemas.definition import PLAYBOOK, Definition, InForce
from schemas.event import Event
from schemas.profile import Profile
from schemas.trigger import Trigger
from schemas.watermark import Watermark
from streams.codec.codec import decode_trigger
from streams.dead_letters.fault_limit import FaultLimits
from streams.definitions.definitions import Definitions, encode_in_force
from streams.fold.batch import Batch
from streams.models.learned import Learned
from tests.harness.histories import shop

LOG = "log-1"
FIRST = encode_in_force({PLAYBOOK: InForce("v1", 1)})


class Store:
    """A state store in memory."""

    def __init__(self) -> None:
        self.held = NO_WATERMARK
        self.profiles: dict[str, Profile] = {}
        self.folded: list[int] = []
        """Events of each batch that was written."""

    async def watermark(self, _: int) -> Watermark:
        return self.held

    async def learned(self, _: int) -> Learned:
        return Learned()

    async def read(self, _: int, keys: Sequence[str], expected: Watermark) -> Fetched:
        if self.held != expected:
            raise FencedError(self.held)
        return Fetched({key: self.profiles[key] for key in keys if key in self.profiles}, {})

    async def write(self, _: int, batch: Batch, expected: Watermark, reached: Watermark) -> None:
        if self.held != expected:
            raise FencedError(self.held)
        self.held = reached
        self.profiles |= batch.profiles
        self.folded.append(batch.folded)


class Effects:
    """Keeps what was appended to the log."""

    partitions = 1

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.sends: list[Event] = []
        self.triggers: list[Trigger] = []
        self.batches = 0

    async def append(
        self,
        _: int,
        triggers: Sequence[TriggerRecord],
        sends: Sequence[Event],
        letters: Sequence[DeadLetter],
    ) -> None:
        self.batches += 1
        self.letters += letters
        self.sends += sends
        self.triggers += [decode_trigger(value) for _, value in triggers]


class Aliases:
    """Nobody looks anybody up."""

    async def add(self, _: object) -> None: ...

    async def remove(self, _: object) -> None: ...


class Record:
    """What Faust hands over."""

    def __init__(self, offset: int, value: bytes | None) -> None:
        self.value = value
        self.message = SimpleNamespace(
            topic="daehwa.events", partition=0, offset=offset, timestamp=1.0,
            tp=SimpleNamespace(topic="daehwa.events", partition=0),
        )  # fmt: skip
        self.acknowledged = asyncio.Event()

    def ack(self) -> None:
        self.acknowledged.set()


def page(offset: int) -> Record:
    return Record(
        offset,
        b'{"message_id":"m%d","type":"page","occurred_at":1,"received_at":1,"anonymous_id":"v"}'
        % offset,
    )


async def folded(folder: PartitionFolder, *records: Record) -> None:
    for record in records:
        folder.waiting.put_nowait(record)
    folding = asyncio.create_task(folder.run())
    told = asyncio.gather(*(record.acknowledged.wait() for record in records))
    await asyncio.wait({folding, told}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if folding.done():
        folding.result()
    folding.cancel()
    assert all(record.acknowledged.is_set() for record in records)


async def nothing_is_missing(_: int, at: int) -> int:
    return at


class Halts:
    """Why partitions have stopped, in memory."""

    def __init__(self) -> None:
        self.found: dict[int, Halt] = {}
        self.said = asyncio.Event()

    async def set(self, partition: int, halt: Halt) -> None:
        self.found[partition] = halt
        self.said.set()

    async def clear(self, partition: int) -> None:
        self.found.pop(partition, None)


def parts_of(
    store: Store, effects: Effects, definitions: DefinitionLoader | None = None, **more: Any
) -> FolderParts:
    """The parts of a folder with everything outside of it in memory."""
    made: Any = FolderParts
    parts: FolderParts = made(
        store=store,
        effects=effects,
        loader=definitions or loader(),
        aliases=Aliases(),
        first_offset=nothing_is_missing,
        max_cached=100,
        **{"halts": Halts(), "fault_limits": FaultLimits()} | more,
    )
    return parts


async def folder_of(store: Store, effects: Effects, **more: Any) -> PartitionFolder:
    return await PartitionFolder.take_over(0, LOG, parts_of(store, effects, **more))


def loader() -> DefinitionLoader:
    tail = DefinitionTail(Settings())
    text = SHIPPED_PLAYBOOK.read_text(encoding="utf-8")
    first = Definition(kind=PLAYBOOK, version="v1", content=text, at=1, by="a test")
    tail.known = Definitions([first])
    return DefinitionLoader(tail, shop())


async def test_a_record_without_a_value_is_a_dead_letter_and_the_next_is_folded() -> None:
    store, effects = Store(), Effects()
    folder = await folder_of(store, effects)
    assert folder.next_offset == 0
    await folded(folder, Record(0, None), page(1), Record(2, None))
    assert [letter.payload for letter in effects.letters] == [b"", b""]
    assert store.profiles["v"].lifecycle.events == 1
    assert store.held == Watermark(LOG, 3, FIRST)


async def test_a_log_that_was_cut_off_is_read_from_its_end_and_not_skipped() -> None:
    store, effects = Store(), Effects()
    store.held = Watermark(LOG, 100)
    folder = await folder_of(store, effects)
    assert folder.next_offset == 100
    assert folder.cut_back(7) == 7
    await folded(folder, page(7), page(8))
    assert store.held.next_offset == 9
    assert store.profiles["v"].lifecycle.events == 2
    assert (await folder_of(store, effects)).next_offset == 9


async def test_goes_on_after_what_another_worker_has_folded() -> None:
    store, effects = Store(), Effects()
    folder = await folder_of(store, effects)
    store.held = Watermark(LOG, 2)
    await folded(folder, page(0), page(1), page(2))
    assert store.held == Watermark(LOG, 3, FIRST)
    assert store.profiles["v"].lifecycle.events == 1
    assert store.folded == [1]
    assert effects.batches == 1, "nothing is decided on a state that another has carried further"


async def test_a_quiet_partition_notices_that_redis_came_back_without_its_latest_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partition_folder, "LOOK_AGAIN_S", 0.001)
    store = Store()
    folder = await folder_of(store, Effects())
    folding = asyncio.create_task(folder.run())
    folder.waiting.put_nowait(first := page(0))
    await asyncio.wait_for(first.acknowledged.wait(), 5)
    store.held = NO_WATERMARK
    with pytest.raises(StateFellBackError):
        await asyncio.wait_for(folding, 5)


@pytest.mark.parametrize("held", [NO_WATERMARK, Watermark(LOG, 1), Watermark("log-0", 7)])
async def test_does_not_skip_what_redis_lost(held: Watermark) -> None:
    store = Store()
    folder = await folder_of(store, Effects())
    await folded(folder, page(0), page(1))
    store.held = held  # such as a replica that was promoted without the latest write
    with pytest.raises(StateFellBackError):
        await folded(folder, page(2))
    assert store.held == held


async def test_a_worker_that_lets_go_leaves_nobody_waiting_for_room() -> None:
    worker = DialogueWorker(Settings(), shop(), lambda _: None)
    folder = await folder_of(Store(), Effects())
    worker._folders[0] = folder
    for offset in range(MAX_WAITING_RECORDS):
        folder.waiting.put_nowait(page(offset))
    handing = asyncio.create_task(worker.hand_over(page(MAX_WAITING_RECORDS)))
    await asyncio.sleep(0)
    await worker._drop_all()
    await asyncio.wait_for(handing, 1)


async def test_an_archive_worker_that_lets_go_leaves_nobody_waiting_for_room() -> None:
    worker = ArchiveWorker(Settings(), shop(), lambda _: None)
    waiting: asyncio.Queue[Any] = asyncio.Queue(MAX_GATHERED)
    worker._lanes["t"] = [SimpleNamespace(waiting=waiting)]  # type: ignore[list-item]
    for offset in range(MAX_GATHERED):
        waiting.put_nowait(page(offset))
    handing = asyncio.create_task(worker.hand_over("t", page(MAX_GATHERED)))
    await asyncio.sleep(0)
    await worker._drop_all()
    await asyncio.wait_for(handing, 1)
