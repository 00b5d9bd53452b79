"""One partition's single writer: records in, profiles and triggers out, in batches.

The order within a batch is the promise: triggers and forwarded events are on the log and
acknowledged, then profiles and watermark are written in one step, then Kafka is told. Whatever
breaks in between, the batch is done again from the watermark and decides the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain
from typing import Any, TypeVar

import structlog

from agents.dialogue.counting import count_batch
from agents.dialogue.definition_loader import DefinitionLoader
from agents.dialogue.effects import EffectWriter
from agents.dialogue.fault_injection import AtStep, no_fault
from agents.dialogue.reading import Keys, keys_of, letters_of
from agents.dialogue.record_fold import RecordFold
from agents.dialogue.unreadable_profiles import UnreadableProfiles
from infra.dependencies import retry_until_available
from infra.kafka.record_sequence import FirstOffset, RecordSequence
from infra.metrics import (
    BATCH_SECONDS,
    CUSTOMERS_ERASED,
    LOG_CUTS,
    REPLAYED,
)
from infra.playbook.active_definitions import ActiveDefinitions
from infra.privacy.forgetting import Forgetting
from infra.redis.alias_index import AliasIndex
from infra.redis.state_store import FencedError, StateStore, is_unavailable
from schemas.profile import Profile
from schemas.watermark import Watermark
from streams.definitions.definitions import encode_in_force
from streams.identity.aliases import alias_moves
from streams.identity.partitioning_bulk import partitions_of
from streams.models.learned import Learned
from streams.privacy.erasure import erased_in

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Some 6,000 events of 0.7 KB, 0.15 s: a profile is encoded and written once for all its events in
a batch (docs/performance.md has 2 and 8 MB beside it)."""
MAX_BATCH_RECORDS = 512
MAX_WAITING_RECORDS = 512

LOOK_AGAIN_S = 1.0
"""How long a partition may be quiet before its watermark is looked at: Redis may have come back
without its latest writes, and no further record may ever come to tell."""

T = TypeVar("T")

log = structlog.get_logger()


class StateFellBackError(Exception):
    """Redis holds less than was folded: it came back without its latest writes. What lies between
    was read already, so only reading the partition again from the watermark brings it back."""


class PartitionFolder:
    """Folds one partition for as long as this worker owns it."""

    def __init__(
        self,
        partition: int,
        store: StateStore,
        effects: EffectWriter,
        loader: DefinitionLoader,
        most_cached: int,
        first_offset: FirstOffset,
        aliases: AliasIndex,
        region: str,
        at_step: AtStep = no_fault,
        forgetting: Forgetting | None = None,
    ) -> None:
        self.partition = partition
        self.waiting: asyncio.Queue[Any] = asyncio.Queue(MAX_WAITING_RECORDS)
        """Faust events whose records are to be folded."""
        self._store = store
        self._aliases = aliases
        self._region = region
        self._forgetting = forgetting
        self._effects = effects
        self._loader = loader
        self._active: ActiveDefinitions | None = None
        self._most_cached = most_cached
        self._sequence = RecordSequence(partition, first_offset)
        self._unreadable = UnreadableProfiles(partition, store)
        self._at_step = at_step
        self._watermark = Watermark("", 0)
        self._cut_at: int | None = None
        """Where the log was cut off behind what was folded; None once folding went on."""
        self._log_id = ""
        self._profiles: dict[str, Profile] = {}
        self._learned = Learned()

    @property
    def cached(self) -> int:
        """Profiles kept in memory: at most `most_cached` and those of the batch in work."""
        return len(self._profiles)

    def adopted_at(self, kind: str) -> int | None:
        """`Definition.at` of what is in force here, 0 for nothing; None before the first look."""
        if self._active is None:
            return None
        found = self._active.in_force.get(kind)
        return 0 if found is None else found.at

    async def take_over(self, log_id: str) -> int:
        """Reads where the partition stands and returns the offset to read from.

        A watermark of another log says nothing about this one: reading starts at its beginning.
        """
        self._log_id = log_id
        self._cut_at = None
        self._profiles.clear()
        self._watermark = await self._up(self._store_stands_at)
        while True:
            self._learned = await self._up(lambda: self._store.learned(self.partition))
            standing = await self._up(self._store_stands_at)
            if standing == self._watermark:
                break
            # The last write of whoever had the partition was still under way.
            self._watermark = standing
        self._active = await self._loader.standing(self._watermark.in_force)
        if self._watermark.log_id not in ("", log_id):
            log.warning("the Kafka topic is a new one, reading all of it", partition=self.partition)
        return self._next_offset()

    def cut_back(self, end: int) -> int:
        """The log ends at `end`, before what was folded: it goes on from there, with offsets that
        were given to other records before. Returns the offset to read from."""
        log.error(
            "Kafka has lost records that were folded",
            partition=self.partition,
            folded=self._next_offset(),
            end=end,
        )
        LOG_CUTS.inc(self._next_offset() - end)
        self._cut_at = end
        return end

    async def run(self) -> None:
        """Folds what comes until cancelled. `StateFellBackError` where only a new start helps."""
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
                if record.message.offset < self._next_offset():
                    record.ack()
            self._at_step("acknowledged")

    async def _next(self) -> Any:
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    return await self.waiting.get()
            except TimeoutError:
                await self._look_again()

    async def _look_again(self) -> None:
        held = await self._up(self._store_stands_at)
        if held == self._watermark:
            return
        if held.log_id != self._log_id or held.next_offset < self._next_offset():
            raise StateFellBackError(
                f"partition {self.partition} is folded up to {self._watermark} but Redis has {held}"
            )

    async def _fold(self, records: Sequence[Any]) -> None:
        while True:
            following = await self._sequence.following(records, self._next_offset())
            if not following:
                break
            try:
                await self._fold_following(following)
            except FencedError as fenced:
                log.warning("another worker wrote to the partition", held=str(fenced.held))
                folded = self._next_offset()
                found = await self.take_over(self._log_id)
                if found < folded:
                    raise StateFellBackError(
                        f"partition {self.partition} is folded up to {folded} but Redis has {found}"
                    ) from fenced
            else:
                break
        REPLAYED.inc(len(records) - len(following))

    async def _fold_following(self, records: Sequence[Any]) -> None:
        at_step = self._at_step
        keys = [keys_of(record) for record in records]
        at_step("decoded")
        astray, unreadable = await self._load(keys)
        apart = astray | unreadable.keys()
        at_step("loaded")
        assert self._active is not None  # noqa: S101 - set by take_over()
        done = RecordFold(self._active, self._loader, self._profiles, self._learned)
        for record, keys_of_one in zip(records, keys, strict=True):
            await done.add(record, keys_of_one, apart)
        at_step("folded")
        batch, active = done.batch, done.active
        done.forward(astray)
        letters = done.letters + letters_of(records, batch.dead)
        if unreadable:
            letters += await self._unreadable.set_aside(records, done.left_out, unreadable, batch)
        await self._effects.append(self.partition, done.triggers, batch.sends, letters)
        in_force = encode_in_force(active.in_force)
        reached = Watermark(self._log_id, records[-1].message.offset + 1, in_force)
        moves = alias_moves(self._profiles, batch.profiles, self._region)
        # Found too early is corrected by whoever looks; a customer who is not found is not.
        await self._up(lambda: self._aliases.add(moves.held))
        erased = erased_in(self._profiles, batch.profiles)
        if erased and self._forgetting is not None:
            forget, endpoints = self._forgetting.forget, active.playbook.source.endpoints
            await self._up(lambda: forget(self.partition, erased, moves.given_up, endpoints))
        at_step("before write")
        await self._up(lambda: self._store.write(self.partition, batch, self._watermark, reached))
        at_step("written")
        self._watermark = reached
        self._cut_at = None
        self._active = active
        await self._up(lambda: self._aliases.remove(moves.given_up))
        self._remember(batch.profiles)
        CUSTOMERS_ERASED.inc(len(erased))
        count_batch(batch, letters, done.first_received_at)

    async def _load(self, keys: Iterable[Keys]) -> tuple[set[str], dict[str, str]]:
        """Brings the profiles into memory; returns the keys of events that somebody produced to
        this partition and that belong to another, and the keys of profiles that cannot be decoded,
        with the reason."""
        cached = self._profiles
        named = dict.fromkeys(chain.from_iterable(keys))
        missing = [key for key in named if key is not None and key not in cached]
        # Read at our watermark or not at all: to decide on a state that somebody else has carried
        # further would tell the world what nobody else decides.
        found = await self._up(lambda: self._store.read(self.partition, missing, self._watermark))
        cached.update(found.profiles)
        # What is stored here belongs here: hashing every key would cost as much as reading it.
        new = [key for key in missing if key not in found.profiles and key not in found.unreadable]
        places = partitions_of(new, self._effects.partitions)
        astray = {key for key, place in places.items() if place != self.partition}
        return astray, found.unreadable

    def _remember(self, profiles: dict[str, Profile]) -> None:
        cached = self._profiles
        for key, profile in profiles.items():
            cached.pop(key, None)
            cached[key] = profile
        excess = len(cached) - self._most_cached
        if excess > 0:
            for key in list(cached)[:excess]:
                del cached[key]

    def _next_offset(self) -> int:
        if self._cut_at is not None:
            return self._cut_at
        return self._watermark.next_offset if self._watermark.log_id == self._log_id else 0

    async def _store_stands_at(self) -> Watermark:
        return await self._store.watermark(self.partition)

    async def _up(self, attempt: Callable[[], Awaitable[T]]) -> T:
        return await retry_until_available("redis", attempt, is_unavailable)
