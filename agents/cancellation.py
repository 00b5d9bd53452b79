"""Cancellation of tasks and draining of queues when a partition is revoked."""

import asyncio
from collections.abc import Iterable
from typing import Any

_CANCEL_AGAIN_S = 1.0


async def end_all(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancels the tasks and returns when all have ended.

    More than once where need be: a cancellation that meets a Redis answer that has just come may
    be lost in it (asyncio.timeout of Python 3.11), and the task would go on for ever.
    """
    unfinished = set(tasks)
    while unfinished:
        for task in unfinished:
            task.cancel()
        _, unfinished = await asyncio.wait(unfinished, timeout=_CANCEL_AGAIN_S)


def drain_queue(waiting: asyncio.Queue[Any]) -> None:
    """Empties the queue of a reader that was cancelled, so that a writer who waits for room in it
    goes on. What was in it is not acknowledged and is read again."""
    while not waiting.empty():
        waiting.get_nowait()
