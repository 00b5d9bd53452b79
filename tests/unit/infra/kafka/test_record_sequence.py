"""Each record once, none left out: what is folded next after a seek."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra.kafka import record_sequence as sequence
from infra.kafka.record_sequence import OutOfSequenceError, RecordSequence
from infra.metrics import LOG_GAPS


def records(*offsets: int) -> list[Any]:
    return [SimpleNamespace(message=SimpleNamespace(offset=offset)) for offset in offsets]


def offsets(found: list[Any]) -> list[int]:
    return [record.message.offset for record in found]


def log_of(*kept: int) -> RecordSequence:
    """The sequence of a partition that holds these offsets."""

    async def first_offset(_: int, at: int) -> int:
        return min((offset for offset in kept if offset >= at), default=min(kept))

    return RecordSequence(0, first_offset)


async def test_what_was_read_before_the_seek_is_left_out() -> None:
    log = log_of(*range(100))
    assert offsets(await log.following(records(50, 51, 40, 41, 39, 42), 40)) == [40, 41, 42]
    assert offsets(await log.following(records(43, 42, 44), 43)) == [43, 44]


async def test_it_is_waited_for_while_only_such_records_come() -> None:
    log = log_of(*range(100))
    assert await log.following(records(50, 51), 40) == []
    assert await log.following(records(52), 40) == []
    assert offsets(await log.following(records(40), 40)) == [40]


async def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "PATIENCE_S", -1)
    log = log_of(*range(100))
    assert await log.following(records(50), 40) == []
    with pytest.raises(OutOfSequenceError):
        await log.following(records(51), 40)


async def test_what_kafka_deleted_is_passed_over_and_counted() -> None:
    before = LOG_GAPS._value.get()
    log = log_of(*range(70, 100))
    assert offsets(await log.following(records(70, 71), 40)) == [70, 71]
    assert LOG_GAPS._value.get() - before == 30


async def test_the_marks_of_transactions_are_no_loss() -> None:
    log = log_of(*(offset for offset in range(100) if offset % 10 != 9))
    assert offsets(await log.following(records(7, 8, 10, 11), 7)) == [7, 8, 10, 11]
    # Right after a seek too.
    log = log_of(*(offset for offset in range(100) if offset % 10 != 9))
    assert offsets(await log.following(records(10, 11), 9)) == [10, 11]
