"""Retry while a dependency is unavailable: one log line, a metric, back-off, no give-up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from infra.backoff import backoff
from infra.metrics import set_dependency_up

T = TypeVar("T")

FIRST_DELAY_S = 0.05
MAX_DELAY_S = 5.0

log = structlog.get_logger()


async def retry_until_available(
    dependency: str,
    attempt: Callable[[], Awaitable[T]],
    is_temporary: Callable[[Exception], bool],
) -> T:
    """The result of `attempt`, retried while its failures are temporary. Raises exceptions for
    which `is_temporary` is false. Never gives up.
    """
    delays = None
    while True:
        try:
            answer = await attempt()
        except Exception as problem:
            if not is_temporary(problem):
                raise
            if delays is None:
                delays = backoff(FIRST_DELAY_S, MAX_DELAY_S)
                set_dependency_up(dependency, False)
                log.warning(
                    "dependency unavailable, retrying",
                    dependency=dependency,
                    problem=str(problem)[:200],
                )
            await asyncio.sleep(next(delays))
        else:
            if delays is not None:
                log.info("dependency available again", dependency=dependency)
            set_dependency_up(dependency, True)
            return answer
