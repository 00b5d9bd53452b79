"""The whole of an import: read, map, send, remember."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from infra.importing.batches import Batch, Maps, Rejected, batches
from infra.importing.checkpoint import Checkpoint, CheckpointFile
from infra.importing.records import Records
from infra.importing.sending import Sender

IN_FLIGHT = 4
"""Requests at once. What they hold (2,000 events) is all that a killed run may send again."""


class Progress(msgspec.Struct, frozen=True):
    """How far an import has come."""

    checkpoint: Checkpoint
    position: int
    """Bytes of the file as it lies there."""
    size: int


async def import_records(
    records: Records,
    maps: Maps,
    sender: Sender,
    kept: CheckpointFile,
    checkpoint: Checkpoint,
    tell: Callable[[Progress], None],
) -> Checkpoint:
    """Sends the rest of the file behind `checkpoint`; the place at its end. SendError, FileError.

    Batches are sent side by side and remembered in their order: whatever ends it, everything
    before the place that is kept has arrived, and hardly anything behind it.
    """
    if checkpoint.offset:
        records.go_to(checkpoint.offset, checkpoint.line)
    tell(
        Progress(
            checkpoint, records.packed_position() if checkpoint.offset else 0, records.packed_size
        )
    )
    flying: deque[tuple[Batch, asyncio.Task[list[Rejected]]]] = deque()
    try:
        for batch in batches(records, maps, checkpoint.identity):
            flying.append((batch, asyncio.create_task(sender.send(batch))))
            await asyncio.sleep(0)  # lets it begin
            if len(flying) == IN_FLIGHT:
                checkpoint = await _land(flying, kept, checkpoint, records, tell)
        while flying:
            checkpoint = await _land(flying, kept, checkpoint, records, tell)
    finally:
        for _, task in flying:
            task.cancel()
        await asyncio.gather(*(task for _, task in flying), return_exceptions=True)
    return checkpoint


async def _land(
    flying: deque[tuple[Batch, asyncio.Task[list[Rejected]]]],
    kept: CheckpointFile,
    checkpoint: Checkpoint,
    records: Records,
    tell: Callable[[Progress], None],
) -> Checkpoint:
    batch, task = flying[0]
    refused = await task
    flying.popleft()
    checkpoint = kept.advance(checkpoint, batch, refused)
    tell(Progress(checkpoint, batch.position, records.packed_size))
    return checkpoint
