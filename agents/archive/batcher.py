"""Batches the records of one Kafka topic into large blocks and inserts them, oldest first. Offsets
are committed only after the insert. The deduplication token of a block names its offsets, and
reading starts after the highest stored offset: a crash in between doubles nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from agents.archive.erasure_barrier import ErasureBarrier
from infra.clickhouse.failures import ClickHouseRefused
from infra.clickhouse.retrying_inserter import RetryingInserter
from infra.dependencies import retry_until_available
from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from infra.kafka.names import DEAD_LETTERS
from infra.kafka.record import Record
from infra.kafka.record_sequence import FirstOffset, RecordSequence
from streams.archive.rows import Columns, Place, block_token
from streams.codec.codec import encode_dead_letter
from streams.dead_letters.dead_letter import dead_letter

MAX_BLOCK_BYTES = 16 * 1024 * 1024
MAX_BLOCK_RECORDS = 4_000
MAX_WAITING_RECORDS = 1_000

Rows = Callable[[Sequence[tuple[Place, bytes]]], Columns]
"""Records with their places -> the table's columns."""

log = structlog.get_logger()


class ArchiveTable(NamedTuple):
    """The table of a Kafka topic."""

    name: str
    rows: Rows
    barrier: ErasureBarrier | None = None
    """Removes the rows of customers who were erased."""


class TopicPositions(NamedTuple):
    """The partitions of a Kafka topic and where reading starts."""

    positions: Mapping[int, int]
    """Partition -> the offset it is read from."""
    first_offset: FirstOffset


class ArchiveBatcher:
    """One Kafka topic on its way into one table."""

    def __init__(
        self,
        table: ArchiveTable,
        start: TopicPositions,
        inserter: RetryingInserter,
        writer: LogWriter,
        linger_ms: int,
    ) -> None:
        self.waiting: asyncio.Queue[Record] = asyncio.Queue(MAX_WAITING_RECORDS)
        """Records to archive."""
        self._table = table.name
        self._rows = table.rows
        self._inserter = inserter
        self._writer = writer
        self._barrier = table.barrier
        self._linger = linger_ms / 1000
        self._expected = dict(start.positions)
        self._sequences = {
            partition: RecordSequence(partition, start.first_offset)
            for partition in start.positions
        }

    async def run(self, log_id: str) -> None:
        """Archives records until cancelled; `log_id` is the identity of the Kafka topic."""
        while True:
            records = await self._following(await self._collect())
            if not records:
                continue
            found = [
                (
                    Place(log_id, record.message.partition, record.message.offset),
                    record.value or b"",
                )
                for record in records
            ]
            await self._insert(found)
            for record in records:
                record.ack()

    async def _collect(self) -> list[Record]:
        records = [await self.waiting.get()]
        size = len(records[0].value or b"")
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._linger
        while size < MAX_BLOCK_BYTES and len(records) < MAX_BLOCK_RECORDS:
            left = latest - loop.time()
            if self.waiting.empty() and left <= 0:
                break
            try:
                record = await asyncio.wait_for(self.waiting.get(), max(left, 0.001))
            except TimeoutError:
                break
            records.append(record)
            size += len(record.value or b"")
        return records

    async def _following(self, records: list[Record]) -> list[Record]:
        # A record inserted out of order would make earlier ones look stored.
        by_partition: dict[int, list[Record]] = {}
        for record in records:
            by_partition.setdefault(record.message.partition, []).append(record)
        found: list[Record] = []
        for partition, theirs in by_partition.items():
            sequence = self._sequences.get(partition)
            if sequence is None:
                continue
            following = await sequence.following(theirs, self._expected[partition])
            if following:
                self._expected[partition] = following[-1].message.offset + 1
            found += following
        return found

    async def _insert(self, records: list[tuple[Place, bytes]]) -> None:
        barrier = self._barrier
        begun = barrier.begin() if barrier is not None else 0
        columns = await asyncio.to_thread(self._rows, records)
        token = block_token(place for place, _ in records)
        if barrier is not None:
            await barrier.ready()
        try:
            await self._inserter.insert(self._table, columns, token)
        except ClickHouseRefused as refused:
            await self._bisect(records, refused)
        if barrier is not None:
            await barrier.end(begun)

    async def _bisect(self, records: list[tuple[Place, bytes]], refused: ClickHouseRefused) -> None:
        if len(records) > 1:
            middle = len(records) // 2
            await self._insert(records[:middle])
            await self._insert(records[middle:])
            return
        ((place, value),) = records
        origin = f"{self._table}/{place.partition}/{place.offset}"
        log.error("ClickHouse refused a record", origin=origin, problem=str(refused))
        if self._table.startswith("daehwa.dead_letters"):
            raise refused
        letter = dead_letter("archive_refused", str(refused), origin, value, 0)
        await retry_until_available(
            "kafka",
            lambda: self._writer.append(
                DEAD_LETTERS, place.partition, encode_dead_letter(letter), letter.id.encode()
            ),
            lambda problem: isinstance(problem, KafkaUnavailable),
        )
