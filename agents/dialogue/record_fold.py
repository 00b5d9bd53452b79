"""Folds the records of a batch one after the other. Each is decoded, folded and released before the
next, while it is in the processor's cache: decoding a whole batch first costs a sixth more
(docs/explanation/performance.md).
"""

from collections.abc import Collection

from msgspec.structs import replace

from agents.dialogue.definition_loader import DefinitionLoader
from agents.dialogue.effects import TriggerRecord, trigger_records
from agents.dialogue.reading import Keys, read_record
from infra.kafka.record import Record
from infra.playbook.active_definitions import ActiveDefinitions
from schemas.dead_letter import DeadLetter
from schemas.event import Event
from schemas.profile import Profile
from streams.fold.batch import Batch, fold_batch
from streams.models.learned import Learned


class RecordFold:
    """One batch of a partition over `profiles`, which it does not change; `learned` grows."""

    def __init__(
        self,
        active: ActiveDefinitions,
        loader: DefinitionLoader,
        profiles: dict[str, Profile],
        learned: Learned,
    ) -> None:
        self.active = active
        """The active definitions after the records so far."""
        self.batch = Batch()
        """Without its triggers."""
        self.triggers: list[TriggerRecord] = []
        self.letters: list[DeadLetter] = []
        """Dead letters of unreadable parts."""
        self.skipped: list[tuple[str, Event]] = []
        """(profile key, event) excluded from the fold."""
        self.first_received_at: int | None = None
        """Milliseconds since 1970."""
        self._loader = loader
        self._profiles = profiles
        self._learned = learned

    async def add(self, record: Record, keys: Keys, apart: Collection[str]) -> None:
        """Folds the record's events, without those of the profiles `apart`; `keys` are the keys
        read from it."""
        reading = read_record(record, keys)
        events = reading.events
        if apart:
            self.skipped += [(key, event) for key, event in events if key in apart]
        if events and self.first_received_at is None:
            self.first_received_at = events[0][1].received_at
        self.letters += reading.dead_letters
        begin = 0
        for place, adoption in reading.adoptions:
            self._fold(events[begin:place], apart)
            self.active = await self._loader.after(self.active, adoption)
            begin = place
        self._fold(events[begin:] if begin else events, apart)
        self.triggers += trigger_records(self.batch.triggers)
        self.batch.triggers.clear()

    def _fold(self, events: list[tuple[str, Event]], apart: Collection[str]) -> None:
        if apart:
            events = [(key, event) for key, event in events if key not in apart]
        by = self.active
        fold_batch(
            events, self._profiles, self._learned, by.playbook, by.churn, self.batch
        )  # fmt: skip

    def forward(self, astray: Collection[str]) -> None:
        """Forwards excluded events whose profile, one of `astray`, belongs to another partition."""
        self.batch.sends += [
            replace(event, hops=event.hops + 1) for key, event in self.skipped if key in astray
        ]
