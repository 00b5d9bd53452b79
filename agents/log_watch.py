"""Detects a Kafka topic that was deleted and created again while a worker reads it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

LOOK_AT_LOG_S = 10.0
"""Polling interval, seconds."""

Identities = Mapping[str, str]
"""Kafka topic -> its identity."""

log = structlog.get_logger()


class LogChangedError(Exception):
    """A Kafka topic was deleted and created anew while the worker read it: its records reuse
    offsets."""


async def watch_log(
    held: Callable[[], Identities | None],
    ask: Callable[[], Awaitable[Identities]],
    crash: Callable[[BaseException], object],
) -> None:
    """Polls until cancelled; calls `crash` once and returns when a Kafka topic is no longer the one
    that is `held` (None: none yet), so that the worker restarts and reads it from its beginning.
    """
    while True:
        await asyncio.sleep(LOOK_AT_LOG_S)
        before = held()
        found = await ask()
        if before is not None and before == held() and found != before:
            problem = LogChangedError(f"the Kafka topics were {dict(before)}, are {dict(found)}")
            log.error("a Kafka topic was recreated, the worker stops", problem=str(problem))
            crash(problem)
            return
