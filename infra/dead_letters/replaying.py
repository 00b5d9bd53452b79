"""Replays dead letters, a page at a time: first to the log or the archive, then marked.

A crash in between leaves a letter open whose event is on the log. A second replay counts once: the
archive has its message id from after the first replay began, and while the archive lags, the
profile deduplicates.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

import msgspec

from infra.clickhouse.failures import ClickHouseRefused
from infra.clickhouse.inserter import Inserter
from infra.clock import now_ms
from infra.dead_letters.archived_letters import ArchivedLetters, Outcome, Standing
from infra.dead_letters.filter import DeadLetterFilter
from infra.kafka.envelopes import EnvelopeWriter
from infra.settings import Settings
from schemas.dead_letter import DeadLetter
from streams.archive.rows import Place, event_columns, trigger_columns
from streams.archive.tables import EVENTS_TABLE, TRIGGERS_TABLE
from streams.codec.codec import UNREADABLE, decode_trigger, decode_wire_envelope
from streams.dead_letters.replay import SOURCE, Again, AgainForArchive, StillDead, read_letter
from streams.playbook.compiled import CompiledPlaybook

Policy = Literal["keep", "discard"]
"""Policy for a letter that would be dead again."""

Read = list[Again] | AgainForArchive | StillDead
ReadOfSource = Callable[[DeadLetter], Awaitable[list[Again] | StillDead]]
"""Reads a source's letter by the present mapping."""

MAX_AT_ONCE = 1_000
REPLAYED_LOG = "replayed"
"""Log identity of rows that a replay inserted after a refusal."""
_FAILURES_TOLD = 20


class Failure(msgspec.Struct, frozen=True):
    """A letter that would be dead again, and why now."""

    id: str
    reason: str
    detail: str


class Replayed(msgspec.Struct):
    """Result of a page, or of its dry run."""

    replayed: int = 0
    already: int = 0
    """Letters whose events had been replayed before: nothing was sent."""
    kept: int = 0
    discarded: int = 0
    reasons: dict[str, Counter[str]] = {}
    """Reason of the letters -> `replayed`, `kept` or `discarded` -> how many."""
    failures: list[Failure] = []
    """The first ones."""
    next: str | None = None
    """Start of the next page; None after the last."""

    def tell(self, letter: DeadLetter, outcome: Outcome, problem: StillDead | None) -> None:
        """Counts one letter."""
        became = "kept" if outcome.state == "open" else outcome.state
        setattr(self, became, getattr(self, became) + 1)
        self.reasons.setdefault(letter.reason, Counter())[became] += 1
        if problem is not None and len(self.failures) < _FAILURES_TOLD:
            self.failures.append(Failure(letter.id, problem.reason, problem.detail))


class LetterReplayer:
    """Replays for one process; one page after the other."""

    def __init__(
        self,
        settings: Settings,
        events: EnvelopeWriter,
        playbook: CompiledPlaybook,
        of_source: ReadOfSource,
    ) -> None:
        self._settings = settings
        self._events = events
        self._playbook = playbook
        self._of_source = of_source

    async def replay(
        self,
        letter_filter: DeadLetterFilter,
        by: str,
        *,
        policy: Policy = "keep",
        after: str = "",
        most: int = MAX_AT_ONCE,
        dry_run: bool = False,
    ) -> Replayed:
        """Replays at most `most` letters whose ids come after `after`. Raises KafkaUnavailable,
        ClickHouseUnavailable, and exceptions of reading a source's letter: nothing is marked then,
        and a repetition is harmless.
        """
        spool = ArchivedLetters(self._settings)
        try:
            heads = await asyncio.to_thread(spool.page, letter_filter, after, most)
            letters = await asyncio.to_thread(spool.whole, heads) if heads else []
            done = Replayed(next=heads[-1].id if heads else None)
            read = await self._read(letters)
            events = [one for found in read if isinstance(found, list) for one in found]
            known = await asyncio.to_thread(spool.on_the_log, events)
            tried = {head.id: head.state_at for head in heads}
            now = now_ms()
            put: list[tuple[str, bytes]] = []
            begun: list[Outcome] = []
            outcomes: list[Outcome] = []
            for letter, found in zip(letters, read, strict=True):
                problem: StillDead | None = None
                if isinstance(found, AgainForArchive):
                    problem = await asyncio.to_thread(self._archive, found, now, dry_run=dry_run)
                elif isinstance(found, StillDead):
                    problem = found
                else:
                    fresh = [one for one in found if not is_known(one, known, tried[letter.id])]
                    put += [(one.key, one.event) for one in fresh]
                    done.already += not fresh
                    if any(one.stood_at is not None for one in fresh):
                        begun.append(Outcome(letter.id, "open", now, by, "a replay began"))
                outcome = _outcome(letter, problem, now, by, policy)
                outcomes.append(outcome)
                done.tell(letter, outcome, problem)
            if not dry_run:
                await asyncio.to_thread(spool.settle, begun)
                await self._events.put(put)
                await asyncio.to_thread(spool.settle, outcomes)
            return done
        finally:
            await asyncio.to_thread(spool.close)

    async def _read(self, letters: Sequence[DeadLetter]) -> list[Read]:
        scrub = self._settings.scrubbing.scrub

        def read_all() -> list[Read]:
            return [read_letter(letter, scrub) for letter in letters]

        found = await asyncio.to_thread(read_all)
        for index, letter in enumerate(letters):
            if letter.origin.startswith(SOURCE):
                found[index] = await self._of_source(letter)
        return found

    def _archive(self, again: AgainForArchive, now: int, *, dry_run: bool) -> StillDead | None:
        """Inserts a record that ClickHouse refused once. Blocks. ClickHouseUnavailable."""
        place = Place(REPLAYED_LOG, again.partition, again.offset)
        try:
            if again.table == EVENTS_TABLE:
                events = decode_wire_envelope(again.value)[0]
                columns = event_columns([(place, events)], self._playbook)
            elif again.table == TRIGGERS_TABLE:
                columns = trigger_columns([(place, decode_trigger(again.value))])
            else:
                return StillDead("archive_refused", f"there is no table {again.table!r}")
        except UNREADABLE as problem:
            return StillDead("archive_refused", str(problem))
        if dry_run:
            return None
        inserter = Inserter(self._settings)
        try:
            # A token of its own: rows replace each other, and an erased block must be insertable
            # again.
            inserter.insert(
                again.table, columns, f"replayed/{place.partition}/{place.offset}/{now}"
            )
        except ClickHouseRefused as refused:
            return StillDead("archive_refused", str(refused))
        finally:
            inserter.close()
        return None


def is_known(
    one: Again, known: Mapping[tuple[str, str, int], Sequence[Standing]], tried_at: int
) -> bool:
    """Whether a replay already put the event on the log; `tried_at` is when one last began, 0 for
    never."""
    found = known.get((one.owner, one.message_id, min(one.hops, 255)), ())
    if one.stood_at is None:
        return bool(found)
    # A sender's own retry is at another position, and may have failed for the same reason.
    return tried_at > 0 and any(
        standing.place != one.stood_at and standing.archived_at >= tried_at for standing in found
    )


def _outcome(
    letter: DeadLetter, problem: StillDead | None, now: int, by: str, policy: Policy
) -> Outcome:
    if problem is None:
        return Outcome(letter.id, "replayed", now + 1, by)  # after the row that a replay began
    detail = f"{problem.reason}: {problem.detail}"
    return Outcome(letter.id, "open" if policy == "keep" else "discarded", now + 1, by, detail)
