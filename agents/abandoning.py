"""Leaving a queue that nobody reads any more."""

import asyncio
from typing import Any


def abandon(waiting: asyncio.Queue[Any]) -> None:
    """Empties the queue of a reader that was cancelled, so that a writer who waits for room in it
    goes on. What was in it is not acknowledged and is read again."""
    while not waiting.empty():
        waiting.get_nowait()
