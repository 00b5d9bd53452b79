"""Runs the checks, the cheap ones first."""

from collections.abc import Iterator
from functools import partial

from clickhouse_driver import Client
from kafka.structs import TopicPartition

from infra.archive_check.finding import Finding, Tell
from infra.archive_check.log import Rows, Source, check_log
from infra.archive_check.tables import check_doubles, check_facts, highest_stored
from infra.clickhouse.failures import translated
from infra.clickhouse.inserter import Inserter
from infra.clickhouse.stored_keys import Columns, Key, erase_facts
from infra.kafka.committed import committed_offsets
from infra.kafka.log_end import high_watermarks
from infra.kafka.names import ARCHIVE_GROUP, EVENTS, TRIGGERS
from infra.kafka.topics import TopicAdmin
from infra.settings import Settings
from streams.archive.tables import EVENTS_TABLE, TRIGGERS_TABLE

TABLES = {EVENTS: EVENTS_TABLE, TRIGGERS: TRIGGERS_TABLE}


class ArchiveCheck:
    """One run. Its checks raise `KafkaError`, TimeoutError, ClickHouseUnavailable and
    ClickHouseRefused."""

    def __init__(self, settings: Settings, client: Client, rows: dict[str, Rows], tell: Tell):
        """`rows`: Kafka topic -> what makes its rows, without those of erased customers."""
        self._settings = settings
        self._client = client
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

    def _ask(self, query: str, parameters: object) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = translated(
            lambda: self._client.execute(query, parameters or None)
        )
        return rows

    def _positions(self, topic: str) -> Finding:
        archived, stored = self._archived(topic)
        ends = high_watermarks(self._servers, archived)
        waiting = sum(max(0, ends[tp] - at) for tp, at in archived.items())
        beyond = [
            f"{topic}/{tp.partition}: {stored[tp.partition]} stored, log ends at {end}"
            for tp, end in ends.items()
            if stored.get(tp.partition, -1) >= end
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
        found = f"{sum(archived.values()):,} records archived, {waiting:,} waiting"
        return Finding(check=check, ok=True, found=found)

    def _log(self, topic: str, *, repair: bool) -> Finding:
        source = Source(
            topic, self._log_id(topic), TABLES[topic], self._rows[topic], self._archived(topic)[0]
        )
        store = partial(self._store, TABLES[topic]) if repair else None
        return check_log(self._settings, self._client, source, self._tell, store)

    def _store(self, table: str, columns: Columns, lost: list[Key]) -> None:
        """Stores rows again; what is stored already is dropped by its key."""
        if table == EVENTS_TABLE:
            translated(lambda: erase_facts(self._client.execute, lost))
        inserter = Inserter(self._settings)
        try:
            place = f"{columns[-1][0]}/{len(lost)}/{lost[0]}"
            inserter.insert(table, columns, f"repaired/{place}")
        finally:
            inserter.close()

    def _archived(self, topic: str) -> tuple[dict[TopicPartition, int], dict[int, int]]:
        """Where the worker goes on in each partition, and partition -> the highest stored offset. A
        worker that died between its insert and its commit goes on after what is stored."""
        places = [TopicPartition(topic, number) for number in range(self._settings.partitions)]
        committed = committed_offsets(self._servers, ARCHIVE_GROUP, places, timeout_ms=5_000)
        stored = highest_stored(self._ask, TABLES[topic], self._log_id(topic))
        archived = {
            place: max(at, stored.get(place.partition, -1) + 1) for place, at in committed.items()
        }
        return archived, stored

    def _log_id(self, topic: str) -> str:
        admin = TopicAdmin(self._settings)
        try:
            return admin.identity(topic)
        finally:
            admin.close()
