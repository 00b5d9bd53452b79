"""Events of a customer whose stored profile cannot be decoded become dead letters; the stored bytes
stay as they are for the repair."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import structlog

from agents.dialogue.reading import letters_about
from infra.dependencies import retry_until_available
from infra.kafka.record import Record
from infra.metrics import PROFILES_UNREADABLE
from infra.redis.keys import profile_key
from infra.redis.state_store import StateStore, is_unavailable
from schemas.dead_letter import DeadLetter
from schemas.effect import Dead
from schemas.event import Event
from streams.fold.batch import Batch

MAX_TOLD = 1_000
"""Maximum of customers of a partition that the log names one by one."""

MENDED_BY = "daehwa rebuild --replace, then daehwa dead replay --reason profile_unreadable"

log = structlog.get_logger()


class UnreadableProfiles:
    """The unreadable profiles of one partition."""

    def __init__(self, partition: int, store: StateStore) -> None:
        self._partition = partition
        self._store = store
        self._told: set[str] = set()

    async def set_aside(
        self,
        records: Sequence[Record],
        events: Sequence[tuple[str, Event]],
        unreadable: Mapping[str, str],
        batch: Batch,
    ) -> list[DeadLetter]:
        """The dead letters of all events in the records that concern `unreadable` (profile key ->
        why). A deadline leaves Redis with the batch that made a letter of its timer event, or it
        would come due again and again. Waits while Redis is unavailable."""
        PROFILES_UNREADABLE.inc(len(unreadable))
        self._dispatch(unreadable)
        timers = {
            (kind, key, event.occurred_at)
            for key, event in events
            if key in unreadable
            and event.type == "timer"
            and isinstance(kind := event.properties.get("kind"), str)
        }
        if timers:
            names = list({(kind, key): None for kind, key, _ in timers})
            due = await retry_until_available(
                "redis", lambda: self._store.due_at(self._partition, names), is_unavailable
            )
            # Only this deadline: a later one has a timer of its own.
            batch.deadlines |= {
                name: None for name, at in zip(names, due, strict=True) if (*name, at) in timers
            }
        why = {
            key: Dead(
                "profile_unreadable",
                f"{profile_key(self._partition, key)} in Redis cannot be decoded ({problem}); "
                f"mend it: {MENDED_BY}",
            )
            for key, problem in unreadable.items()
        }
        return letters_about(records, why)

    def _dispatch(self, unreadable: Mapping[str, str]) -> None:
        for key, problem in unreadable.items():
            if key in self._told or len(self._told) >= MAX_TOLD:
                continue
            self._told.add(key)
            log.error(
                "a customer's stored profile cannot be decoded, their events become dead letters",
                partition=self._partition,
                # Log lines name no customer; dead letters do.
                customer=blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
                problem=problem,
                mended_by=MENDED_BY,
                last_told=len(self._told) == MAX_TOLD,
            )
