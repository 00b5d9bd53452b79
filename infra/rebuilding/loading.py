"""Loads a rebuilt partition into Redis, while its worker waits.

A partition is marked as being rebuilt before anything is written and gets its watermark with the
last write, each by comparison: a running worker is fenced off like any with a stale watermark, and
waits until the partition is complete.
"""

from collections.abc import Iterator

from redis.asyncio import Redis

from infra.clock import now_ms
from infra.rebuilding.expirations import Expirations
from infra.rebuilding.profile_spool import ProfileSpool
from infra.rebuilding.replay import Replayed
from infra.redis.alias_index import AliasIndex
from infra.redis.keys import is_state, watermark_key
from infra.redis.state_store import NO_WATERMARK, REBUILDING, FencedError, StateStore
from schemas.watermark import Watermark
from streams.codec.codec import decode_profile
from streams.fold.batch import Batch
from streams.identity.aliases import alias_moves

_ATTEMPTS = 20
_AT_ONCE = 1_000


class StateHeldError(Exception):
    """Redis holds state and `--replace` was not given; the text says what to do."""


async def take_partitions(store: StateStore, partitions: int, *, replace: bool) -> None:
    """Marks every partition as being rebuilt. `StateHeldError` where one holds state and
    `replace` is False; then none is marked."""
    if not replace:
        for partition in range(partitions):
            held = await store.held(partition)
            if held not in (NO_WATERMARK, REBUILDING):
                raise StateHeldError(
                    f"Redis holds the state of partition {partition}, folded up to offset "
                    f"{held.next_offset}: look with --dry-run, or give it up with --replace"
                )
    for partition in range(partitions):
        await _take(store, partition)


async def clear_partitions(redis: Redis, partitions: int) -> None:
    """Removes the state of all partitions except their marks. Deliveries stay: the archive cannot
    restore them."""
    marks = {watermark_key(partition).encode() for partition in range(partitions)}
    found: list[bytes] = []
    async for key in redis.scan_iter(match="daehwa:{[0-9]*}:*", count=_AT_ONCE):
        if key not in marks and is_state(key):
            found.append(key)
        if len(found) >= _AT_ONCE:
            await _unlink(redis, found)
            found = []
    await _unlink(redis, found)


async def load_partition(
    store: StateStore,
    aliases: AliasIndex,
    region: str,
    replayed: Replayed,
    expirations: Expirations,
    reached: Watermark,
) -> None:
    """Writes the spool into Redis, aliases too, and ends the rebuilding of the partition at
    `reached`. Expired profiles are left out; the expiry of others starts now. Raises `FencedError`
    after a concurrent write.
    """
    partition = replayed.partition
    for batch in _batches(replayed.spool, expirations, now_ms()):
        await aliases.add(alias_moves({}, batch.profiles, region).held)
        await store.write(partition, batch, REBUILDING, REBUILDING)
    # Counts are increments, so they go with the one write that cannot happen twice.
    last = Batch()
    last.counted = replayed.learned.everything()
    await store.write(partition, last, REBUILDING, reached)


def _batches(spool: ProfileSpool, expirations: Expirations, now: int) -> Iterator[Batch]:
    for values in spool.profiles():
        batch = Batch()
        for key, (value, touched) in values.items():
            profile = decode_profile(value)
            if not expirations.over(profile, touched, now):
                batch.profiles[key] = profile
        yield batch
    for deadlines in spool.deadlines():
        batch = Batch()
        batch.deadlines = dict(deadlines)
        yield batch


async def _unlink(redis: Redis, keys: list[bytes]) -> None:
    # One command a key: on a cluster they are in different slots.
    async with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.unlink(key)
        await pipeline.execute()


async def _take(store: StateStore, partition: int) -> None:
    for _ in range(_ATTEMPTS):
        held = await store.held(partition)
        if held == REBUILDING:
            return
        try:
            await store.write(partition, Batch(), held, REBUILDING)
        except FencedError:
            continue  # its worker was faster
        return
    raise StateHeldError(f"partition {partition} is written to all the time; stop its worker first")
