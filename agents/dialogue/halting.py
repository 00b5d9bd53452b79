"""A halted partition: reported, and held until a restart."""

import asyncio

import structlog

from agents.dialogue.folder_parts import wait_for_redis
from infra.clock import now_ms
from infra.kafka.record import Record
from infra.metrics import PARTITION_HALTED
from infra.redis.partition_halts import STANDS_S, Halt, PartitionHalts

log = structlog.get_logger()


class PartitionHaltedError(Exception):
    """The fold fails for too many events: nothing of the batch is written, the partition stops."""

    def __init__(self, reason: str, problem: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.problem = problem


async def hold_halt(
    partition: int,
    halted: PartitionHaltedError,
    offset: int,
    waiting: "asyncio.Queue[Record]",
    halts: PartitionHalts,
) -> None:
    """Reports that the partition has stopped at `offset`, repeatedly until cancelled. Records are
    taken from the queue, so that other partitions do not wait for room in it, and none is
    acknowledged: the next owner of the partition reads them again.
    """
    PARTITION_HALTED.labels(partition).set(1)
    halt = Halt(halted.reason, halted.problem, offset, now_ms())
    log.error(
        "the partition has stopped: the fold fails; install a version with the fix",
        partition=partition,
        reason=halt.reason,
        problem=halt.problem,
        offset=offset,
    )
    loop = asyncio.get_running_loop()
    while True:
        await wait_for_redis(lambda: halts.set(partition, halt))
        repeat_at = loop.time() + STANDS_S / 3
        try:
            async with asyncio.timeout_at(repeat_at):
                while True:
                    await waiting.get()
        except TimeoutError:
            continue
