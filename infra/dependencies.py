"""Waiting for a neighbour that is away: once in the log, a metric, back-off, alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from infra.metrics import DEPENDENCY_UP

T = TypeVar("T")

MAX_WAIT = 5.0
"""Seconds between two attempts at most."""

log = structlog.get_logger()


async def retry_until_available(
    neighbour: str,
    attempt: Callable[[], Awaitable[T]],
    passes: Callable[[Exception], bool],
) -> T:
    """The answer of `attempt`, tried again as long as its failures pass by waiting.

    Raises what `attempt` raises where `passes` says it does not. Never gives up.
    """
    wait = 0.05
    away = False
    while True:
        try:
            answer = await attempt()
        except Exception as problem:
            if not passes(problem):
                raise
            if not away:
                away = True
                DEPENDENCY_UP.labels(neighbour).set(0)
                log.warning(
                    "neighbour is away, waiting", neighbour=neighbour, problem=str(problem)[:200]
                )
            await asyncio.sleep(wait)
            wait = min(wait * 2, MAX_WAIT)
        else:
            if away:
                log.info("neighbour is back", neighbour=neighbour)
            DEPENDENCY_UP.labels(neighbour).set(1)
            return answer
