"""Runs the checks, the cheap ones first."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple
from uuid import uuid4

from clickhouse_driver import Client
from kafka.structs import TopicPartition

from infra.archive_check.finding import Finding, Tell, asking
from infra.archive_check.log import Rows, Source, check_log
from infra.archive_check.tables import check_doubles, check_facts
from infra.clickhouse.failures import translated
from infra.clickhouse.inserter import Inserter
from infra.clickhouse.stored_keys import Columns, Key, erase_facts
from infra.clickhouse.stored_offsets import highest_offsets
from infra.kafka.committed import committed_offsets
from infra.kafka.log_end import high_watermarks
from infra.kafka.names import ARCHIVE_GROUP, EVENTS, TRIGGERS
from infra.kafka.topics import TopicAdmin
from infra.settings import Settings
from streams.archive.tables import EVENTS_TABLE, TRIGGERS_TABLE

TABLES = {EVENTS: EVENTS_TABLE, TRIGGERS: TRIGGERS_TABLE}


class _Place(NamedTuple):
    """How far a partition is archived."""

    partition: int
    stored: int
    """Highest stored offset, -1 without one."""
    archived: int
    """Where the worker goes on. One that died between its insert and its commit goes on after what
    is stored."""
    end: int
    """Of the log."""


class ArchiveCheck:
    """One run. Its checks raise `KafkaError`, TimeoutError, ClickHouseUnavailable and
    ClickHouseRefused."""

    def __init__(self, settings: Settings, client: Client, rows: dict[str, Rows], tell: Tell):
        """`rows`: Kafka topic -> what makes its rows, without those of erased customers."""
        self._settings = settings
        self._client = client
        self._ask = asking(client)
        self._rows = rows
        self._tell = tell
        self._servers = settings.kafka_servers.split(",")

    def run(self, *, repair: bool) -> Iterator[Finding]:
        """The findings, one after the other."""
        yield from self.positions()
        yield from check_doubles(self._ask)
        for topic in TABLES:
            yield self._log(topic, repair=repair)
        # After the log: what is stored again brings its facts.
        yield from check_facts(self._ask, repair=repair)

    def positions(self) -> list[Finding]:
        """How far the archive worker is on each Kafka topic."""
        return [self._positions(topic) for topic in TABLES]

    def _positions(self, topic: str) -> Finding:
        places = self._places(topic)
        waiting = sum(max(0, place.end - place.archived) for place in places)
        beyond = [
            f"{topic}/{place.partition}: {place.stored} stored, log ends at {place.end}"
            for place in places
            if place.stored >= place.end
        ]
        check = f"offsets of {topic.removeprefix('daehwa.')}"
        if beyond:
            return Finding(
                check=check,
                ok=False,
                found="the archive holds records that Kafka has lost",
                examples=tuple(beyond),
                remedy="nothing: the archive worker goes on at the end of the log; look for why "
                "Kafka lost them (an unclean election, a restored disk)",
            )
        found = f"{sum(place.archived for place in places):,} records archived, {waiting:,} waiting"
        return Finding(check=check, ok=True, found=found)

    def _log(self, topic: str, *, repair: bool) -> Finding:
        stops = {
            TopicPartition(topic, place.partition): min(place.archived, place.end)
            for place in self._places(topic)
        }
        source = Source(topic, self._log_id(topic), TABLES[topic], self._rows[topic], stops)
        if not repair:
            return check_log(self._settings, self._client, source, self._tell)
        inserter = Inserter(self._settings)
        try:
            store = partial(self._store, inserter, TABLES[topic])
            return check_log(self._settings, self._client, source, self._tell, store)
        finally:
            inserter.close()

    def _store(self, inserter: Inserter, table: str, columns: Columns, lost: list[Key]) -> None:
        """Stores rows again; what is stored already is dropped by its key."""
        if table == EVENTS_TABLE:
            translated(lambda: erase_facts(self._client.execute, lost))
        inserter.insert(table, columns, f"repaired/{lost[0]}/{len(lost)}/{uuid4()}")

    def _places(self, topic: str) -> list[_Place]:
        partitions = range(self._settings.partitions)
        log_id = self._log_id(topic)
        committed = committed_offsets(
            self._servers,
            ARCHIVE_GROUP,
            [TopicPartition(topic, partition) for partition in partitions],
            timeout_ms=5_000,
        )
        found = translated(lambda: highest_offsets(self._client.execute, TABLES[topic]))
        stored = {tp: found.get((log_id, tp.partition), -1) for tp in committed}
        archived = {tp: max(at, stored[tp] + 1) for tp, at in committed.items()}
        ends = high_watermarks(self._servers, archived)
        return [_Place(tp.partition, stored[tp], at, ends[tp]) for tp, at in archived.items()]

    def _log_id(self, topic: str) -> str:
        admin = TopicAdmin(self._settings)
        try:
            return admin.identity(topic)
        finally:
            admin.close()
