"""Records that hold no trigger, dead letter or definition end nobody who reads the Kafka topic."""

import asyncio
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from agents.archive.rows import dead_letter_rows, trigger_rows
from agents.delivery.app import _decided_by
from infra.background import in_background
from infra.kafka.definition_tail import _take
from infra.kafka.names import DEFINITIONS, TRIGGERS
from infra.kafka.topic_tail import TopicTail
from infra.kafka.trigger_tail import TriggerTail
from infra.settings import Settings
from streams.archive.rows import Place
from streams.codec.codec import UNREADABLE, decode_trigger, encode_trigger
from streams.definitions.definitions import Definitions
from tests.unit.infra.delivery.test_webhook import trigger

NOT_UTF8 = b'{"id":"\xff","kind":"\xff","playbook":"\xff"}'
ENDLESS = b'{"why":' + b'{"a":' * 100_000
VALUES = [b"", b"\xff", b"[]", NOT_UTF8, ENDLESS]


@pytest.mark.parametrize("value", VALUES)
def test_the_archive_leaves_it_out(value: bytes) -> None:
    good = encode_trigger(trigger())
    records = [(Place("log", 0, 0), value), (Place("log", 0, 1), good)]
    assert len(trigger_rows(records)[0]) == 1
    assert len(dead_letter_rows([(Place("log", 0, 0), value)])[0]) == 0


@pytest.mark.parametrize("value", VALUES)
def test_the_tail_of_triggers_goes_on(value: bytes) -> None:
    tail = TriggerTail(Settings())
    records: deque[Any] = deque(
        SimpleNamespace(value=one, partition=0, offset=n, timestamp=n)
        for n, one in enumerate([value, encode_trigger(trigger())])
    )
    with capture_logs():
        tail._take({TopicPartition(TRIGGERS, 0): list(records)})
    assert [one.id for one in tail.recent(10)] == ["trg_1"]


@pytest.mark.parametrize("value", VALUES)
def test_the_tail_of_definitions_goes_on(value: bytes) -> None:
    found = Definitions()
    with capture_logs() as logs:
        _take(found, SimpleNamespace(value=value, offset=1, topic=DEFINITIONS))
    assert not found.kinds
    assert [line["event"] for line in logs] == ["a definition is unreadable"]


@pytest.mark.parametrize("value", VALUES)
def test_delivery_asks_for_no_playbook(value: bytes) -> None:
    assert not _decided_by(value)


@pytest.mark.parametrize("value", VALUES)
def test_what_is_raised_is_named(value: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode_trigger(value)


async def test_a_background_task_that_ends_by_a_fault_says_so_at_once() -> None:
    async def faulty() -> None:
        raise ZeroDivisionError

    with capture_logs() as logs:
        task = in_background(faulty(), "tail")
        await asyncio.wait([task])
        await asyncio.sleep(0)
    assert [(line["event"], line["task"]) for line in logs] == [
        ("a background task has ended", "tail")
    ]


async def test_a_tail_that_ended_by_a_fault_can_be_stopped_like_any_other() -> None:
    async def faulty() -> None:
        raise ZeroDivisionError

    tail = TopicTail(TRIGGERS, faulty)
    with capture_logs():
        await tail.start()
        task = tail._task
        assert task is not None
        await asyncio.wait([task])
        await tail.stop()
