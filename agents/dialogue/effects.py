"""Performs the effects of a batch that go to the log, and waits until Kafka has them."""

from collections.abc import Iterable, Sequence

from agents.dialogue.fault_injection import AtStep, no_fault
from infra.dependencies import retry_until_available
from infra.kafka.envelopes import in_envelopes
from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from infra.kafka.names import DEAD_LETTERS, EVENTS, TRIGGERS
from schemas.dead_letter import DeadLetter
from schemas.event import Event
from schemas.trigger import Trigger
from streams.codec.codec import encode_dead_letter, encode_envelope, encode_event, encode_trigger
from streams.identity.partitioning import partition_of
from streams.identity.profile_key import profile_key

TriggerRecord = tuple[bytes | None, bytes]
"""(key, value) as a trigger stands on the log."""


def trigger_records(triggers: Iterable[Trigger]) -> list[TriggerRecord]:
    """The triggers as they stand on the log."""
    return [
        (trigger.customer_id.encode("utf-8", "surrogatepass"), encode_trigger(trigger))
        for trigger in triggers
    ]


class EffectWriter:
    """Appends triggers, forwarded events and dead letters. Waits while Kafka is unavailable."""

    def __init__(self, writer: LogWriter, partitions: int, at_step: AtStep = no_fault) -> None:
        self._writer = writer
        self._at_step = at_step
        self.partitions = partitions

    async def append(
        self,
        partition: int,
        triggers: Sequence[TriggerRecord],
        sends: Sequence[Event],
        letters: Sequence[DeadLetter],
    ) -> None:
        """Appends all log effects of a batch of `partition`; acknowledged on return."""
        if triggers:
            await self._many(TRIGGERS, partition, triggers)
            self._at_step("triggers appended")
        if sends:
            await self.send(sends)
            self._at_step("forwards appended")
        if letters:
            records: list[tuple[bytes | None, bytes]] = [
                (letter.id.encode("ascii"), encode_dead_letter(letter)) for letter in letters
            ]
            await self._many(DEAD_LETTERS, partition, records)

    async def send(self, events: Sequence[Event]) -> None:
        """Appends events to the partitions of their keys."""
        by_partition: dict[int, list[bytes]] = {}
        for event in events:
            key = profile_key(event) or ""
            target = partition_of(key, self.partitions)
            by_partition.setdefault(target, []).append(encode_event(event))
        for target, encoded in by_partition.items():
            envelopes: list[tuple[bytes | None, bytes]] = [
                (None, encode_envelope(events_of_one)) for events_of_one in in_envelopes(encoded)
            ]
            await self._many(EVENTS, target, envelopes)

    async def _many(
        self, topic: str, partition: int, records: Sequence[tuple[bytes | None, bytes]]
    ) -> None:
        await retry_until_available(
            "kafka",
            lambda: self._writer.append_many(topic, partition, records),
            lambda problem: isinstance(problem, KafkaUnavailable),
        )
