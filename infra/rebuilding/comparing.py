"""Compares a rebuilt partition with the one in Redis, byte for byte."""

from collections.abc import Mapping

import msgspec
from redis.asyncio import Redis

from infra.clock import now_ms
from infra.rebuilding.expirations import Expirations
from infra.rebuilding.profile_spool import ProfileSpool
from infra.rebuilding.replay import Replayed
from infra.redis.keys import profile_key
from infra.redis.state_store import StateStore
from schemas.profile import Profile
from streams.codec.codec import UNREADABLE, decode_profile
from streams.models.transitions import PAIR_SEPARATOR

MAX_NAMED = 10
"""Maximum of differences listed."""

_AT_ONCE = 1_000


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference between Redis and the archive."""

    partition: int
    what: str
    """`profile`, `deadline`, or a kind of count (`begun`, `transitions`, …)."""
    key: str
    how: str
    """`missing` in Redis, `extra` in Redis, or the fields that differ."""


class Comparison(msgspec.Struct):
    """Counts of a comparison, and the first differences."""

    same: int = 0
    """Profiles that are equal, byte for byte."""
    different: int = 0
    first: list[Difference] = []

    def note(self, difference: Difference) -> None:
        """Counts a difference and keeps the first few."""
        self.different += 1
        if len(self.first) < MAX_NAMED:
            self.first.append(difference)


async def compare_partition(
    redis: Redis,
    store: StateStore,
    replayed: Replayed,
    expirations: Expirations,
    found: Comparison,
) -> None:
    """Adds the differences of one partition to `found`."""
    partition, spool = replayed.partition, replayed.spool
    for values in spool.profiles():
        live = await redis.mget([profile_key(partition, key) for key in values])
        for (key, (value, touched)), held in zip(values.items(), live, strict=True):
            if held == value:
                found.same += 1
            elif held is not None:
                how = _fields_that_differ(held, value)
                found.note(Difference(partition, "profile", key, how))
            elif not expirations.over(decode_profile(value), touched, now_ms()):
                found.note(Difference(partition, "profile", key, "missing"))
    prefix = profile_key(partition, "")
    async for name in redis.scan_iter(match=f"{prefix}*", count=_AT_ONCE):
        key = name.decode("utf-8", "surrogatepass").removeprefix(prefix)
        if spool.value(key) is None:
            found.note(Difference(partition, "profile", key, "extra"))
    await _compare_deadlines(store, partition, spool, found)
    await _compare_counts(store, partition, replayed, found)


async def _compare_deadlines(
    store: StateStore, partition: int, spool: ProfileSpool, found: Comparison
) -> None:
    held = {(kind, key): due async for kind, key, due in store.deadlines(partition)}
    for deadlines in spool.deadlines():
        for name, due in deadlines.items():
            live = held.pop(name, None)
            if live != due:
                how = f"{live} in Redis, {due} rebuilt"
                found.note(Difference(partition, "deadline", " ".join(name), how))
    for name in held:
        found.note(Difference(partition, "deadline", " ".join(name), "extra"))


async def _compare_counts(
    store: StateStore, partition: int, replayed: Replayed, found: Comparison
) -> None:
    live = (await store.learned(partition)).everything()
    rebuilt = replayed.learned.everything()
    for kind in sorted(live.keys() | rebuilt.keys()):
        _compare_counted(partition, kind, live.get(kind, {}), rebuilt.get(kind, {}), found)


def _compare_counted(
    partition: int,
    what: str,
    live: Mapping[str, int],
    rebuilt: Mapping[str, int],
    found: Comparison,
) -> None:
    for name in sorted(live.keys() | rebuilt.keys()):
        held, counted = live.get(name, 0), rebuilt.get(name, 0)
        if held != counted:
            shown = name.replace(PAIR_SEPARATOR, " ")
            found.note(Difference(partition, what, shown, f"{held} in Redis, {counted} rebuilt"))


def _fields_that_differ(held: bytes, rebuilt: bytes) -> str:
    """Names of the profile's fields; `bytes` where only their encoding differs."""
    try:
        one = decode_profile(held)
    except UNREADABLE:
        return "unreadable in Redis"
    other = decode_profile(rebuilt)
    fields = [
        name for name in Profile.__struct_fields__ if getattr(one, name) != getattr(other, name)
    ]
    return ", ".join(fields) or "bytes"
