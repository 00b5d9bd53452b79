"""Sequence of the records of a partition: each offset once, no gap unnoticed.

After a seek, records that were read before it may still be handed over: they lie beyond a gap,
and to fold them would hide what is in it for ever. A log may have gaps of its own as well: what
retention deleted, the marks of transactions. Only the log can tell the two apart.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from infra.kafka.record import Record
from infra.metrics import LOG_GAPS

FirstOffset = Callable[[int, int], Awaitable[int]]
"""(partition, offset) -> the offset of the first record that the log has from there on."""

PATIENCE_S = 30.0
"""Time-out of a gap, after which the worker restarts."""

log = structlog.get_logger()


class OutOfSequenceError(Exception):
    """The expected records do not come; the partition has to be read again."""


class RecordSequence:
    """Sequence check of one partition after a seek."""

    def __init__(self, partition: int, first_offset: FirstOffset) -> None:
        self._partition = partition
        self._first_offset = first_offset
        self._in_step = False
        """A record that follows the seek has come: earlier ones are done."""
        self._told = False
        self._early_since: float | None = None

    async def following(self, records: Iterable[Record], expected: int) -> list[Record]:
        """The records to fold next, in order, from the offset `expected` on. Drops those below it
        and those read before the seek. Raises `OutOfSequenceError` after the time-out of a gap.
        """
        found: list[Record] = []
        first: int | None = None
        early = False
        for record in records:
            offset = record.message.offset
            if offset < expected:
                continue
            if offset > expected:
                if not self._in_step:
                    if first is None:
                        first = await self._first_offset(self._partition, expected)
                    if offset != first:
                        early = True
                        continue
                self._tell_gap(expected, offset)
            self._in_step = True
            found.append(record)
            expected = offset + 1
        self._wait_for_followers(early and not found, expected)
        return found

    def _tell_gap(self, expected: int, offset: int) -> None:
        LOG_GAPS.inc(offset - expected)
        if not self._told:
            self._told = True
            log.warning(
                "Kafka no longer has records that were not folded yet",
                partition=self._partition,
                expected=expected,
                first=offset,
            )

    def _wait_for_followers(self, only_early: bool, expected: int) -> None:
        if not only_early:
            self._early_since = None
            return
        now = asyncio.get_running_loop().time()
        if self._early_since is None:
            self._early_since = now
            log.info("dropping records read before the seek", partition=self._partition)
        elif now - self._early_since > PATIENCE_S:
            raise OutOfSequenceError(f"partition {self._partition} does not give {expected}")
