"""An import: read, map, send, checkpoint."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from infra.cancellation import end_all
from infra.importing.batches import Batch, Maps, Rejected, batches
from infra.importing.checkpoint import Checkpoint, CheckpointFile
from infra.importing.records import Records
from infra.importing.sending import Sender

IN_FLIGHT = 4
"""Concurrent requests. Their events (2,000) are all that a killed run may send again."""


class Progress(msgspec.Struct, frozen=True):
    """Progress of an import."""

    checkpoint: Checkpoint
    position: int
    """Bytes of the file on disk."""
    size: int


async def import_records(
    records: Records,
    maps: Maps,
    sender: Sender,
    kept: CheckpointFile,
    checkpoint: Checkpoint,
    tell: Callable[[Progress], None],
) -> Checkpoint:
    """Sends the file from `checkpoint` on; returns the position at its end. Raises `SendError`,
    `FileError`. Batches are sent concurrently and checkpointed in order: everything before the
    checkpoint has arrived, and little behind it.
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
        await end_all(task for _, task in flying)
    return checkpoint


async def _land(
    flying: deque[tuple[Batch, asyncio.Task[list[Rejected]]]],
    kept: CheckpointFile,
    checkpoint: Checkpoint,
    records: Records,
    tell: Callable[[Progress], None],
) -> Checkpoint:
    batch, task = flying[0]
    # Awaited indirectly: the request may swallow a cancellation, and Ctrl-C with it.
    await asyncio.wait([task])
    refused = task.result()
    flying.popleft()
    checkpoint = kept.advance(checkpoint, batch, refused)
    tell(Progress(checkpoint, batch.position, records.packed_size))
    return checkpoint
