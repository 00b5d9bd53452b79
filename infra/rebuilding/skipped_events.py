"""Archived events that no worker folded, because their customer's profile could not be read.

Each is an open dead letter: its effects (merges, triggers) were never performed, so a rebuild,
which performs none, leaves it to the replay of its letter. Everything here blocks: call it from a
thread.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from infra.dead_letters.archived_letters import ArchivedLetters
from infra.dead_letters.filter import DeadLetterFilter
from infra.dead_letters.replaying import is_known
from infra.kafka.committed import committed_offsets
from infra.kafka.log_end import high_watermarks
from infra.kafka.names import ARCHIVE_GROUP, DEAD_LETTERS
from infra.settings import Settings
from schemas.dead_letter import DeadLetter
from streams.archive.replay import Identity
from streams.codec.codec import UNREADABLE, decode_dead_letter
from streams.dead_letters.replay import Again, read_letter

_PROFILE_UNREADABLE: Final = "profile_unreadable"
_AT_ONCE = 1_000
_PATIENCE_S = 20.0
"""Time-out for records that Kafka reports and does not deliver."""


def skipped(settings: Settings) -> set[Identity]:
    """Events of open dead letters, unarchived letters included. Raises `ClickHouseUnavailable`,
    `ClickHouseRefused`, `KafkaError`."""
    # First the archived offsets: letters archived meanwhile are read twice, none is missed.
    archived = _archived_up_to(settings)
    found: set[Identity] = set()
    spool = ArchivedLetters(settings)
    try:
        for page in _open_letters(spool):
            known = spool.on_the_log([again for again, _ in page])
            # Events that an interrupted replay appended were folded there.
            found.update(
                _identity(again) for again, tried in page if not is_known(again, known, tried)
            )
    finally:
        spool.close()
    for letter in _letters_on_kafka(settings, archived):
        if letter.reason == _PROFILE_UNREADABLE:
            found.update(map(_identity, _events_in(letter)))
    return found


def _open_letters(spool: ArchivedLetters) -> Iterator[list[tuple[Again, int]]]:
    """(event, when a replay of its letter last began, 0 for never), a page at a time."""
    letter_filter = DeadLetterFilter(reason=_PROFILE_UNREADABLE)
    after = ""
    while heads := spool.page(letter_filter, after, _AT_ONCE):
        tried = {head.id: head.state_at for head in heads}
        yield [
            (again, tried[letter.id])
            for letter in spool.whole(heads)
            for again in _events_in(letter)
        ]
        after = heads[-1].id


def _events_in(letter: DeadLetter) -> list[Again]:
    read = read_letter(letter, lambda event: event)
    return read if isinstance(read, list) else []


def _identity(again: Again) -> Identity:
    return again.owner, again.message_id, min(again.hops, 255)


def _archived_up_to(settings: Settings) -> dict[TopicPartition, int]:
    places = [TopicPartition(DEAD_LETTERS, number) for number in range(settings.partitions)]
    return committed_offsets(settings.kafka_servers.split(","), ARCHIVE_GROUP, places)


def _letters_on_kafka(
    settings: Settings, begin: Mapping[TopicPartition, int]
) -> Iterator[DeadLetter]:
    servers = settings.kafka_servers.split(",")
    try:
        ends = high_watermarks(servers, begin)
    except TimeoutError as problem:
        raise KafkaError(str(problem)) from None
    missing = {tp: at for tp, at in begin.items() if at < ends[tp]}
    if not missing:
        return
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # retention was faster than the archive
    )
    try:
        consumer.assign(list(missing))
        for tp, at in missing.items():
            consumer.seek(tp, at)
        latest = time.monotonic() + _PATIENCE_S
        while any(consumer.position(tp) < ends[tp] for tp in missing):
            records = consumer.poll(timeout_ms=200)
            if records:
                latest = time.monotonic() + _PATIENCE_S
            elif time.monotonic() > latest:
                raise KafkaError("does not give its dead letters")
            for some in records.values():
                for record in some:
                    try:
                        yield decode_dead_letter(record.value or b"")
                    except UNREADABLE:
                        continue  # not a dead letter
    finally:
        consumer.close()
