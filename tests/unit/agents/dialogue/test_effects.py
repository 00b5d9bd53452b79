"""What the dialogue worker puts on the log fits a Kafka record, whatever the batch was."""

from collections.abc import Sequence
from typing import Any

from agents.dialogue.effects import EffectWriter
from infra.kafka.envelopes import MAX_BYTES, MAX_EVENTS
from infra.kafka.names import EVENTS
from streams.codec.codec import decode_envelope
from tests.harness.histories import event


class Log:
    """Keeps the values that were appended."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    async def append_many(
        self, topic: str, _: int, records: Sequence[tuple[bytes | None, bytes]]
    ) -> None:
        assert topic == EVENTS
        self.values += [value for _, value in records]


def writer_to(log: Any) -> EffectWriter:
    return EffectWriter(log, 1)


async def test_many_large_forwarded_events_are_several_records() -> None:
    log = Log()
    events = [event(f"m{n}", user_id="u", properties={"x": "y" * 30_000}) for n in range(100)]
    await writer_to(log).send(events)
    assert all(len(value) <= MAX_BYTES + 2 for value in log.values)
    found = [one.message_id for value in log.values for one in decode_envelope(value)[0]]
    assert found == [one.message_id for one in events]


async def test_many_small_events_share_a_record() -> None:
    log = Log()
    await writer_to(log).send([event(f"m{n}", user_id="u") for n in range(MAX_EVENTS + 1)])
    assert [len(decode_envelope(value)[0]) for value in log.values] == [MAX_EVENTS, 1]


async def test_nothing_to_send_is_no_record() -> None:
    log = Log()
    await writer_to(log).send([])
    assert log.values == []
