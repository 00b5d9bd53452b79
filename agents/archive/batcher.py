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


class _Block(NamedTuple):
    """Records and the rows that were made of them."""

    records: list[Record]
    found: list[tuple[Place, bytes]]
    columns: Columns
    met_before: int
    """Erasures that were met before the rows were made."""
    met: int
    """Erasures that were met when they were made."""


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
        """Archives records until cancelled; `log_id` is the identity of the Kafka topic. The rows
        of a block are made while ClickHouse stores the one before."""
        block = await self._next(log_id)
        while True:
            _, block = await asyncio.gather(self._store(block), self._next(log_id))

    async def _next(self, log_id: str) -> _Block:
        """The rows of the next records."""
        while not (records := await self._following(await self._collect())):
            pass
        found = [
            (Place(log_id, record.message.partition, record.message.offset), record.value or b"")
            for record in records
        ]
        return _Block(records, found, *await self._made(found))

    async def _made(self, found: list[tuple[Place, bytes]]) -> tuple[Columns, int, int]:
        """The rows, and how many erasures were met before and after they were made."""
        begun = self._barrier.met() if self._barrier is not None else 0
        columns = await asyncio.to_thread(self._rows, found)
        return columns, begun, self._barrier.met() if self._barrier is not None else 0

    async def _store(self, block: _Block) -> None:
        await self._insert(block.found, block.columns, block.met_before, block.met)
        for record in block.records:
            record.ack()

    async def _collect(self) -> list[Record]:
        records = [await self.waiting.get()]
        size = len(records[0].value or b"")
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._linger
        while size < MAX_BLOCK_BYTES and len(records) < MAX_BLOCK_RECORDS:
            if self.waiting.empty():
                left = latest - loop.time()
                if left <= 0:
                    break
                try:
                    record = await asyncio.wait_for(self.waiting.get(), left)
                except TimeoutError:
                    break
            else:
                record = self.waiting.get_nowait()
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

    async def _insert(
        self, records: list[tuple[Place, bytes]], columns: Columns, met_before: int, met: int
    ) -> None:
        barrier = self._barrier
        token = block_token(place for place, _ in records)
        if barrier is not None:
            await barrier.ready(met)
        try:
            await self._inserter.insert(self._table, columns, token)
        except ClickHouseRefused as refused:
            await self._bisect(records, refused)
        if barrier is not None:
            await barrier.end(met_before)

    async def _bisect(self, records: list[tuple[Place, bytes]], refused: ClickHouseRefused) -> None:
        if len(records) > 1:
            middle = len(records) // 2
            for half in (records[:middle], records[middle:]):
                await self._insert(half, *await self._made(half))
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
