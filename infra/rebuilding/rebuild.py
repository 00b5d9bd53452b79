"""A rebuild: folds the archived log anew, then compares it with Redis or loads it into Redis."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from redis.asyncio import Redis

from infra.rebuilding.archived_log import ArchivedLog
from infra.rebuilding.comparing import Comparison, Difference, compare_partition
from infra.rebuilding.definitions import Definers, read_definitions
from infra.rebuilding.expirations import expirations_of
from infra.rebuilding.loading import clear_partitions, load_partition, take_partitions
from infra.rebuilding.profile_spool import ProfileSpool
from infra.rebuilding.replay import Replayed, ReplayPlan, replay_partition
from infra.rebuilding.replay_bounds import KafkaPlaces, cut_of, kafka_places
from infra.rebuilding.skipped_events import skipped
from infra.redis.alias_index import AliasIndex
from infra.redis.definition_copy import DefinitionCopy
from infra.redis.state_store import StateStore
from infra.settings import Settings
from schemas.watermark import Watermark
from streams.definitions.definitions import encode_in_force
from streams.playbook.compiled import CompiledPlaybook


class WrongPartitionsError(Exception):
    """The archived log had more partitions than the settings: look-ups would miss profiles."""


class Rebuilt(msgspec.Struct):
    """Result of a rebuild or of its dry run."""

    partitions: int
    events: int = 0
    """Archived events and messages that were read."""
    folded: int = 0
    """Of those, folded into a profile; the rest were duplicates or changed nothing."""
    skipped: int = 0
    """Of those, in open dead letters because no worker could read their customer's profile."""
    profiles: int = 0
    next_offsets: list[int] = []
    """By partition: where its worker goes on in Kafka."""
    unarchived: int = 0
    """Records that are neither in the archive nor in Kafka any more."""
    same: int | None = None
    """Dry run: profiles that are equal in Redis, byte for byte."""
    different: int | None = None
    """Dry run: differences, of which `first` are the first."""
    first: list[Difference] = []


Tell = Callable[[int, int], None]
"""(events read just now, events there are to read)."""


async def rebuild(
    settings: Settings,
    playbook: CompiledPlaybook,
    redis: Redis,
    *,
    dry_run: bool,
    replace: bool,
    tell: Tell,
) -> Rebuilt:
    """Folds the archive and loads the result into Redis, or with `dry_run` only compares.
    `playbook` is used where none was ever published.

    Raises `StateHeldError` where Redis holds state and `replace` is False, `WrongPartitionsError`,
    `FencedError` after a concurrent write, and errors of Kafka, Redis and ClickHouse while they are
    unavailable.
    """
    store = StateStore(redis, settings.profile_days, settings.anonymous_days)
    log = ArchivedLog(settings)
    partitions = settings.partitions
    expirations = expirations_of(settings)
    try:
        found = await asyncio.to_thread(log.partitions)
        if found > partitions:
            raise WrongPartitionsError(
                f"the archive holds partition {found - 1} but DAEHWA_PARTITIONS is {partitions}"
            )
        definers = Definers(await read_definitions(settings, redis), playbook)
        if not dry_run:
            await take_partitions(store, partitions, replace=replace)
            await clear_partitions(redis, partitions)
            # The state refers to them; a broker that lost them gets them back from here.
            await DefinitionCopy(redis).keep(definers.known)
        places = await asyncio.to_thread(kafka_places, settings)
        # After the places: dead letters of records up to there are on Kafka.
        waiting = await asyncio.to_thread(skipped, settings)
        archived = await asyncio.to_thread(log.ends, places.log_id)
        cuts = [cut_of(partition, archived, places) for partition in range(partitions)]
        if dry_run:
            cuts = [
                await _as_far_as_redis(store, partition, places, archived.get(partition, 0), cut)
                for partition, cut in enumerate(cuts)
            ]
        rebuilt = Rebuilt(partitions, next_offsets=cuts)
        rebuilt.unarchived = sum(
            max(0, places.earliest[partition] - cut) for partition, cut in enumerate(cuts)
        )
        plan = ReplayPlan(definers, partitions, expirations, waiting)
        comparison = Comparison()
        logs = await asyncio.to_thread(log.logs)
        total = 0
        for partition, cut in enumerate(cuts):
            total += await asyncio.to_thread(log.count, partition, places.log_id, cut)
        with tempfile.TemporaryDirectory(prefix="daehwa-rebuild-") as folder:
            for partition, cut in enumerate(cuts):
                spool = ProfileSpool(Path(folder) / str(partition))
                try:
                    rows = log.read(partition, logs, places.log_id, cut)
                    replayed = await asyncio.to_thread(
                        replay_partition, rows, spool, partition, plan,
                        lambda events: tell(events, total),
                    )  # fmt: skip
                    _add(rebuilt, replayed)
                    if dry_run:
                        await compare_partition(redis, store, replayed, expirations, comparison)
                    else:
                        in_force = encode_in_force(replayed.active.in_force)
                        reached = Watermark(places.log_id, cut, in_force)
                        await load_partition(
                            store, AliasIndex(redis), settings.region, replayed, expirations,
                            reached,
                        )  # fmt: skip
                finally:
                    spool.close()
                    (Path(folder) / str(partition)).unlink()
        if dry_run:
            rebuilt.same, rebuilt.different = comparison.same, comparison.different
            rebuilt.first = comparison.first
        return rebuilt
    finally:
        log.close()


async def _as_far_as_redis(
    store: StateStore, partition: int, places: KafkaPlaces, archived: int, cut: int
) -> int:
    """End of a comparison: the watermark in Redis, if the archive has reached it."""
    held = await store.held(partition)
    return min(archived, held.next_offset) if held.log_id == places.log_id else cut


def _add(rebuilt: Rebuilt, replayed: Replayed) -> None:
    rebuilt.events += replayed.events
    rebuilt.folded += replayed.folded
    rebuilt.skipped += replayed.skipped
    rebuilt.profiles += len(replayed.spool)
