"""One partition's single writer: records in, profiles and triggers out, in batches.

The order within a batch gives exactly-once: triggers and forwarded events are appended and
acknowledged, then profiles and watermark are written atomically, then the offset is committed.
After a failure in between, the batch is repeated from the watermark and decides the same.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain

import structlog

from agents.dialogue.counting import count_batch
from agents.dialogue.folder_parts import FolderParts, Standing, read_standing, wait_for_redis
from agents.dialogue.halting import PartitionHaltedError, hold_halt
from agents.dialogue.reading import Keys, keys_of, letters_of
from agents.dialogue.record_fold import RecordFold
from agents.dialogue.unreadable_profiles import UnreadableProfiles
from infra.kafka.record import Record
from infra.kafka.record_sequence import RecordSequence
from infra.metrics import (
    BATCH_SECONDS,
    CUSTOMERS_ERASED,
    LOG_CUTS,
    PARTITION_HALTED,
    REPLAYED,
)
from infra.redis.state_store import FencedError
from schemas.profile import Profile
from schemas.watermark import Watermark
from streams.dead_letters.fault_limit import FaultLimit
from streams.definitions.definitions import encode_in_force
from streams.fold.batch import Batch
from streams.identity.aliases import alias_moves
from streams.identity.partitioning_bulk import partitions_of
from streams.privacy.erasure import erased_in

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Some 6,000 events of 0.7 KB, 0.15 s: a profile is encoded and written once for all its events in
a batch (docs/explanation/performance.md has 2 and 8 MB beside it)."""
MAX_BATCH_RECORDS = 512
MAX_WAITING_RECORDS = 512

LOOK_AGAIN_S = 1.0
"""Idle time after which the watermark is checked: Redis may have come back without its latest
writes, and a quiet partition would not notice."""

log = structlog.get_logger()


class StateFellBackError(Exception):
    """Redis holds less than was folded: it came back without its latest writes. The partition has
    to be read again from the watermark."""


class PartitionFolder:
    """Folds one partition for as long as this worker owns it."""

    def __init__(self, partition: int, log_id: str, standing: Standing, parts: FolderParts) -> None:
        self.partition = partition
        self.waiting: asyncio.Queue[Record] = asyncio.Queue(MAX_WAITING_RECORDS)
        """Records to fold."""
        self.is_halted = False
        """Whether it has stopped because the fold fails."""
        self._parts = parts
        self._log_id = log_id
        self._sequence = RecordSequence(partition, parts.first_offset)
        self._unreadable = UnreadableProfiles(partition, parts.store)
        self._cut_at: int | None = None
        """End of a log that lost folded records; None once folding continued."""
        self._profiles: dict[str, Profile] = {}
        self._watermark = standing.watermark
        self._learned = standing.learned
        self._definitions = standing.definitions
        self._fault_limit = FaultLimit(parts.fault_limits)

    @classmethod
    async def take_over(cls, partition: int, log_id: str, parts: FolderParts) -> "PartitionFolder":
        """A folder that resumes at the partition's watermark. Waits while Redis is unavailable. A
        watermark of another log does not apply: reading starts at the beginning.
        """
        standing = await read_standing(partition, parts)
        await wait_for_redis(lambda: parts.halts.clear(partition))
        PARTITION_HALTED.labels(partition).set(0)
        if standing.watermark.log_id not in ("", log_id):
            log.warning(
                "the Kafka topic was recreated, reading from its beginning", partition=partition
            )
        return cls(partition, log_id, standing, parts)

    @property
    def cached(self) -> int:
        """Profiles kept in memory: at most `max_cached` and those of the batch in work."""
        return len(self._profiles)

    @property
    def next_offset(self) -> int:
        """The first offset that is not folded."""
        if self._cut_at is not None:
            return self._cut_at
        return self._watermark.next_offset if self._watermark.log_id == self._log_id else 0

    def adopted_at(self, kind: str) -> int:
        """`Definition.at` of the definition in force here, 0 for none."""
        found = self._definitions.in_force.get(kind)
        return 0 if found is None else found.at

    def cut_back(self, end: int) -> int:
        """The log ends at `end`, before the watermark: it continues there and reuses offsets of
        lost records. Returns the offset to read from."""
        log.error(
            "Kafka has lost records that were folded",
            partition=self.partition,
            folded=self.next_offset,
            end=end,
        )
        LOG_CUTS.inc(self.next_offset - end)
        self._cut_at = end
        return end

    async def run(self) -> None:
        """Folds records until cancelled. Raises `StateFellBackError` where only a restart helps.
        Beyond the limit of fold failures the partition halts: it empties its queue, so that no
        writer waits, and acknowledges nothing.
        """
        parts = self._parts
        try:
            await self._run()
        except PartitionHaltedError as halted:
            self.is_halted = True
            self._profiles.clear()
            await hold_halt(self.partition, halted, self.next_offset, self.waiting, parts.halts)

    async def _run(self) -> None:
        while True:
            records = [await self._next()]
            size = len(records[0].value or b"")
            while (
                size < MAX_BATCH_BYTES
                and len(records) < MAX_BATCH_RECORDS
                and not self.waiting.empty()
            ):
                records.append(self.waiting.get_nowait())
                size += len(records[-1].value or b"")
            with BATCH_SECONDS.time():
                await self._fold(records)
            for record in records:
                if record.message.offset < self.next_offset:
                    record.ack()
            self._parts.at_step("acknowledged")

    async def _next(self) -> Record:
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    return await self.waiting.get()
            except TimeoutError:
                await self._look_again()

    async def _look_again(self) -> None:
        held = await wait_for_redis(lambda: self._parts.store.watermark(self.partition))
        if held == self._watermark:
            return
        if held.log_id != self._log_id or held.next_offset < self.next_offset:
            raise StateFellBackError(
                f"partition {self.partition} is folded up to {self._watermark} but Redis has {held}"
            )

    async def _fold(self, records: Sequence[Record]) -> None:
        while True:
            following = await self._sequence.following(records, self.next_offset)
            if not following:
                break
            try:
                await self._fold_following(following)
            except FencedError as fenced:
                log.warning("another worker wrote to the partition", held=str(fenced.held))
                folded = self.next_offset
                self._profiles.clear()
                self._cut_at = None
                standing = await read_standing(self.partition, self._parts)
                self._watermark = standing.watermark
                self._learned = standing.learned
                self._definitions = standing.definitions
                self._fault_limit = FaultLimit(self._parts.fault_limits)
                found = self.next_offset
                if found < folded:
                    raise StateFellBackError(
                        f"partition {self.partition} is folded up to {folded} but Redis has {found}"
                    ) from fenced
            else:
                break
        REPLAYED.inc(len(records) - len(following))

    async def _fold_following(self, records: Sequence[Record]) -> None:
        """One batch, from records to watermark. An interrupted batch is read and done again."""
        parts, at_step = self._parts, self._parts.at_step
        # 1. Load the profiles that the records name.
        keys = [keys_of(record) for record in records]
        at_step("decoded")
        astray, unreadable = await self._load(keys)
        at_step("loaded")
        # 2. Fold record by record, over profiles in memory.
        batch_fold = RecordFold(self._definitions, parts.loader, self._profiles, self._learned)
        apart = astray | unreadable.keys()
        for record, keys_of_one in zip(records, keys, strict=True):
            await batch_fold.add(record, keys_of_one, apart)
        batch, definitions = batch_fold.batch, batch_fold.active
        at_step("folded")
        # 3. Stop where the fold fails for too many events: nothing of the batch is written.
        exceeded = self._fault_limit.exceeded(batch.events, batch.failed)
        if exceeded is not None:
            raise PartitionHaltedError(exceeded, _latest_failure(batch))
        # 4. Append triggers, messages to other profiles and dead letters; wait for Kafka.
        batch_fold.forward(astray)
        letters = batch_fold.letters + letters_of(records, batch.dead)
        if unreadable:
            skipped = batch_fold.skipped
            letters += await self._unreadable.set_aside(records, skipped, unreadable, batch)
        await parts.effects.append(self.partition, batch_fold.triggers, batch.sends, letters)
        # 5. Index new aliases first: a look-up corrects an alias found too early.
        moves = alias_moves(self._profiles, batch.profiles, parts.region)
        await wait_for_redis(lambda: parts.aliases.add(moves.held))
        # 6. Remove aliases of erased customers.
        erased = erased_in(self._profiles, batch.profiles)
        if erased and parts.forgetting is not None:
            forget, endpoints = parts.forgetting.forget, definitions.playbook.source.endpoints
            await wait_for_redis(lambda: forget(self.partition, erased, moves.given_up, endpoints))
        # 7. Write profiles, deadlines and watermark in one operation.
        in_force = encode_in_force(definitions.in_force)
        reached = Watermark(self._log_id, records[-1].message.offset + 1, in_force)
        at_step("before write")
        held = self._watermark
        await wait_for_redis(lambda: parts.store.write(self.partition, batch, held, reached))
        at_step("written")
        self._watermark = reached
        self._cut_at = None
        self._definitions = definitions
        await wait_for_redis(lambda: parts.aliases.remove(moves.given_up))
        self._remember(batch.profiles)
        CUSTOMERS_ERASED.inc(len(erased))
        count_batch(batch, letters, batch_fold.first_received_at)

    async def _load(self, keys: Iterable[Keys]) -> tuple[set[str], dict[str, str]]:
        """Loads the profiles; returns the keys of events that belong to another partition, and the
        keys of undecodable profiles with the reason."""
        cached = self._profiles
        named = dict.fromkeys(chain.from_iterable(keys))
        missing = [key for key in named if key is not None and key not in cached]
        # Read at our watermark or not at all: a decision on a state that another worker has
        # advanced would be one that no replay makes.
        found = await wait_for_redis(
            lambda: self._parts.store.read(self.partition, missing, self._watermark)
        )
        cached.update(found.profiles)
        # A stored profile belongs here: hashing every key would cost as much as reading it.
        new = [key for key in missing if key not in found.profiles and key not in found.unreadable]
        places = partitions_of(new, self._parts.effects.partitions)
        astray = {key for key, place in places.items() if place != self.partition}
        return astray, found.unreadable

    def _remember(self, profiles: dict[str, Profile]) -> None:
        cached = self._profiles
        for key, profile in profiles.items():
            cached.pop(key, None)
            cached[key] = profile
        excess = len(cached) - self._parts.max_cached
        if excess > 0:
            for key in list(cached)[:excess]:
                del cached[key]


def _latest_failure(batch: Batch) -> str:
    return next(
        (dead.detail for _, dead in reversed(batch.dead) if dead.reason == "fold_failed"), ""
    )
