"""Kafka's log against the tables: every record up to the archive worker's position is read again,
and each of its rows is looked up by its key. What was erased, and what no worker can read, is not
missing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from clickhouse_driver import Client
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from infra.archive_check.finding import Finding, Tell
from infra.clickhouse.stored_keys import Key, stored_receipts
from infra.settings import Settings
from streams.archive.rows import Columns, Place
from streams.archive.tables import COLUMNS_OF, IDENTITIES

RECORDS_AT_ONCE: Final = 2_000
EXAMPLES: Final = 10
_WAIT_S: Final = 20

Rows = Callable[[Sequence[tuple[Place, bytes]]], Columns]
Repair = Callable[[Columns, list[Key]], object]
"""Stores rows that are missing; called with all rows of the records, and the keys of those."""


class Source(NamedTuple):
    """One Kafka topic, and what becomes of it."""

    topic: str
    log_id: str
    table: str
    rows: Rows
    stops: Mapping[TopicPartition, int]
    """The offset before which the worker has stored everything; no later than the log's end."""


def check_log(
    settings: Settings,
    client: Client,
    source: Source,
    tell: Tell,
    repair: Repair | None = None,
) -> Finding:
    """The finding about one Kafka topic. Raises `KafkaError`, TimeoutError, and what the driver
    raises."""
    topic, log_id, table, rows, stops = source
    names = COLUMNS_OF[table]
    at = {name: names.index(name) for name in (*IDENTITIES[table].keys, "log_offset")}
    seen = missing = repaired = 0
    examples: list[str] = []
    total = sum(stops.values())
    for tp, records in _read(settings, stops):
        found = [(Place(log_id, tp.partition, offset), value) for offset, value in records]
        columns = rows(found)
        keys = list(zip(*(columns[at[name]] for name in IDENTITIES[table].keys), strict=True))
        stored = stored_receipts(client.execute, table, list(dict.fromkeys(keys)))
        lost = [index for index, key in enumerate(keys) if key not in stored]
        seen += len(keys)
        missing += len({keys[index] for index in lost})
        for index in lost[: EXAMPLES - len(examples)]:
            examples.append(f"{topic}/{tp.partition}/{columns[at['log_offset']][index]}")
        if lost and repair is not None:
            repair(columns, [keys[index] for index in lost])
            repaired += len({keys[index] for index in lost})
        tell(topic, len(records), total)
    return _finding(topic, seen, missing, repaired, examples)


def _finding(topic: str, seen: int, missing: int, repaired: int, examples: list[str]) -> Finding:
    check = f"log of {topic.removeprefix('daehwa.')}"
    if not missing:
        return Finding(check=check, ok=True, found=f"{seen:,} rows of the log are stored")
    if repaired:
        return Finding(
            check=check,
            ok=True,
            found=f"{missing:,} of {seen:,} rows of the log were missing, and are stored now",
            examples=tuple(dict.fromkeys(examples)),
        )
    return Finding(
        check=check,
        ok=False,
        found=f"{missing:,} of {seen:,} rows of the log are not stored",
        examples=tuple(dict.fromkeys(examples)),
        remedy="`daehwa archive check --repair` stores them again from the log",
    )


def _read(
    settings: Settings, stops: Mapping[TopicPartition, int]
) -> Iterator[tuple[TopicPartition, list[tuple[int, bytes]]]]:
    """The records before the stops, as far as Kafka still has them, in pieces of one partition."""
    left = {tp: stop for tp, stop in stops.items() if stop > 0}
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_servers.split(","),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    try:
        consumer.assign(list(left))
        consumer.seek_to_beginning(*left)
        while left:
            polled: dict[Any, list[Any]] = consumer.poll(_WAIT_S * 1000, RECORDS_AT_ONCE)
            for tp, records in polled.items():
                if tp not in left:
                    continue
                before = [
                    (one.offset, one.value or b"") for one in records if one.offset < left[tp]
                ]
                if before:
                    yield tp, before
            # Kafka may have deleted all records before the stop.
            done = [tp for tp, stop in left.items() if consumer.position(tp) >= stop]
            if not polled and not done:
                raise TimeoutError(f"Kafka gives no records of {', '.join(map(str, left))}")
            for tp in done:
                del left[tp]
                consumer.pause(tp)
    finally:
        consumer.close()
