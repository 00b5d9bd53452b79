"""Folds one partition of the archived log as a worker folded it, into a spool."""

from collections.abc import Callable, Container, Iterable
from typing import Any

import msgspec

from infra.playbook.active_definitions import ActiveDefinitions
from infra.rebuilding.definitions import Definers
from infra.rebuilding.expirations import Expirations
from infra.rebuilding.profile_spool import ProfileSpool
from schemas.event import Event
from streams.archive.replay import Identity, archived_identity, replayed_event, replayed_owner
from streams.definitions.definitions import adoption_of
from streams.fold.batch import fold_batch
from streams.models.learned import Learned


class ReplayPlan(msgspec.Struct, frozen=True):
    """Shared parameters of all partitions of one rebuild."""

    definers: Definers
    partitions: int
    expirations: Expirations
    skipped: Container[Identity] = ()
    """Events that were not folded, and are not."""


class Replayed:
    """A refolded partition: profiles in a spool, counts in memory."""

    def __init__(self, partition: int, spool: ProfileSpool, active: ActiveDefinitions) -> None:
        self.partition = partition
        self.spool = spool
        self.active = active
        """The active definitions at the end."""
        self.events = 0
        """Rows read."""
        self.folded = 0
        self.skipped = 0
        self.learned = Learned()


def replay_partition(
    blocks: Iterable[list[tuple[Any, ...]]],
    spool: ProfileSpool,
    partition: int,
    plan: ReplayPlan,
    tell: Callable[[int], None],
) -> Replayed:
    """Folds archived rows in order; `tell` is called with the number of rows of each block.
    Triggers and messages of the fold are not sent: they were, and messages between profiles are
    archived at their position of the log. A profile that had expired before its next event begins
    anew, as it did. Playbook and models change at their control records.
    """
    definers, expirations = plan.definers, plan.expirations
    replayed = Replayed(partition, spool, definers.first())

    def fold(events: list[tuple[str, Event]], touched: dict[str, int]) -> None:
        profiles = spool.read(list({key: None for key, _ in events}))
        by = replayed.active
        batch = fold_batch(events, profiles, replayed.learned, by.playbook, by.churn)
        spool.write(batch, touched)
        replayed.folded += batch.folded

    for block in blocks:
        events: list[tuple[str, Event]] = []
        touched: dict[str, int] = {}
        for *row, at in block:
            event = replayed_event(row)
            key = None if event is None else replayed_owner(event, partition, plan.partitions)
            if event is None or key is None:
                adoption = None if event is None else adoption_of(event)
                if adoption is not None:
                    fold(events, touched)
                    events, touched = [], {}
                    replayed.active = definers.after(replayed.active, adoption)
                continue
            if plan.skipped and archived_identity(event) in plan.skipped:
                replayed.skipped += 1
                continue
            before = touched.get(key)
            if before is None:
                before = spool.touched(key)
            if before is not None and at - before > expirations.shortest:
                fold(events, touched)
                events, touched = [], {}
                profile = spool.read([key]).get(key)
                if profile is not None and expirations.over(profile, before, at):
                    spool.forget(key)
            events.append((key, event))
            touched[key] = at
        fold(events, touched)
        replayed.events += len(block)
        tell(len(block))
    return replayed
