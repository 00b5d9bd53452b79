"""A fold that fails: one poison event is a dead letter, many of them stop the partition."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from agents.dialogue.partition_folder import MAX_WAITING_RECORDS
from streams.dead_letters.fault_limit import FaultLimits
from streams.fold import batch
from streams.fold.fold import fold
from tests.unit.agents.dialogue.test_partition_folder import (
    Effects,
    Halts,
    Store,
    folded,
    folder_of,
    page,
)

LIMITS = FaultLimits(in_a_row=5, share=0.5)


class Bug:
    """A fault of the fold that strikes at some events."""

    def __init__(self) -> None:
        self.strikes_at: Any = lambda event: True

    def __call__(self, profile: Any, key: str, event: Any, *more: Any) -> Any:
        if self.strikes_at(event):
            raise ZeroDivisionError("a made-up fault")
        return fold(profile, key, event, *more)


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bug]:
    found = Bug()
    monkeypatch.setattr(batch, "fold", found)
    yield found


async def test_a_single_poison_event_is_one_letter_with_its_traceback(bug: Bug) -> None:
    bug.strikes_at = lambda event: event.message_id == "m1"
    store, effects = Store(), Effects()
    folder = await folder_of(store, effects, fault_limits=LIMITS)
    await folded(folder, page(0), page(1), page(2))
    (letter,) = effects.letters
    assert letter.reason == "fold_failed"
    assert letter.detail.startswith("ZeroDivisionError('a made-up fault')")
    assert "test_halting.py" in letter.detail
    assert len(letter.detail) <= 2_000
    assert store.profiles["v"].lifecycle.events == 2, "nobody waits for it"


async def test_a_fold_that_always_fails_stops_the_partition_and_loses_nothing(bug: Bug) -> None:
    store, effects, halts = Store(), Effects(), Halts()
    folder = await folder_of(store, effects, fault_limits=LIMITS, halts=halts)
    records = [page(offset) for offset in range(20)]
    for record in records:
        folder.waiting.put_nowait(record)
    folding = asyncio.create_task(folder.run())
    async with asyncio.timeout(5):
        await halts.said.wait()
        for offset in range(20, 2 * MAX_WAITING_RECORDS):  # other partitions do not wait for room
            await folder.waiting.put(page(offset))
    assert folder.is_halted
    assert halts.found[0].reason == "5 events in a row could not be folded"
    assert halts.found[0].problem.startswith("ZeroDivisionError")
    assert halts.found[0].offset == 0
    assert (effects.letters, store.profiles) == ([], {})
    assert not any(record.acknowledged.is_set() for record in records)
    assert not folding.done()
    folding.cancel()

    bug.strikes_at = lambda event: False  # the mended version
    mended = await folder_of(store, effects, fault_limits=LIMITS, halts=halts)
    assert halts.found == {}
    await folded(mended, *(page(offset) for offset in range(20)))
    assert store.profiles["v"].lifecycle.events == 20, "each once"
    assert effects.letters == []
