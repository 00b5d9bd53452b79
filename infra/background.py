"""Background tasks that run until they are cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

_log = structlog.get_logger()


def in_background(work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
    """Starts the work. An exception is logged at once: a task that nobody awaits would hide it for
    as long as the process lives."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_dispatch)
    return task


def _dispatch(task: "asyncio.Task[None]") -> None:
    problem = None if task.cancelled() else task.exception()
    if problem is not None:
        _log.error("a background task has ended", task=task.get_name(), exc_info=problem)
