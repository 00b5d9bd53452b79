"""Cancellation of tasks and draining of queues, for revoked partitions and interrupted commands."""

import asyncio
from collections.abc import Iterable
from typing import Any

_CANCEL_AGAIN_S = 1.0


async def end_all(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancels the tasks and returns when all have ended. It repeats the cancellation: one that
    coincides with an answer may be lost (asyncio.timeout of Python 3.11, anyio), and the task would
    run for ever.
    """
    unfinished = set(tasks)
    while unfinished:
        for task in unfinished:
            task.cancel()
        _, unfinished = await asyncio.wait(unfinished, timeout=_CANCEL_AGAIN_S)


def drain_queue(waiting: asyncio.Queue[Any]) -> None:
    """Empties the queue of a cancelled reader, so that a writer waiting for room continues. Its
    records are not acknowledged and are read again."""
    while not waiting.empty():
        waiting.get_nowait()
