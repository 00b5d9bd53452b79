"""Completes fact tables after a crash: what materialized views take from a block of events is
stored after the events, and a server that is killed in between has one without the other.

A fact table is compared with the events by its highest offset of each partition: what is missing
above it is derived anew by the query of its view, what is above the events' own is deleted. A
partition that `daehwa.facts_complete` does not name (of an archive from before the fact table, or
of a worker of before that was still inserting) is derived anew from its first record. Each step is
one part, stored whole or not at all, and may be repeated.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

from infra.clickhouse.stored_offsets import Place, highest_offsets
from streams.archive.tables import EVENTS_TABLE, FACT_TABLES, loading_view

OFFSETS_AT_ONCE: Final = 5_000
"""Records of one step."""

_ONE_PART: Final = {
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 100_000_000,
    "min_insert_block_size_bytes": 0,
}

COMPLETE: Final = "daehwa.facts_complete"
"""Which partitions a fact table knows from their first record on."""


def complete_facts(
    execute: Callable[..., Any], log_id: str, partitions: Collection[int], count: int
) -> None:
    """Completes the facts of these of `count` partitions, of this log and of those before it;
    nobody else may insert events of them meanwhile. Raises what the driver raises."""
    if not partitions:
        return
    ends = highest_offsets(execute, EVENTS_TABLE)
    for table in FACT_TABLES:
        have = highest_offsets(execute, table)
        complete = _complete(execute, table)
        ours = {(log_id, partition) for partition in partitions}
        fresh = []
        for place in sorted(ends.keys() | have.keys() | ours):
            their_log, partition = place
            if (partition if their_log == log_id else partition % count) not in partitions:
                continue
            at, end = have.get(place, -1), ends.get(place, -1)
            above = end if place in complete else -1
            if at > above:
                _delete_above(execute, table, place, above)
                at = above
            _derive(execute, table, place, at, end)
            if place not in complete:
                fresh.append((table, *place))
        if fresh:
            execute(f"INSERT INTO {COMPLETE} (fact_table, log_id, log_partition) VALUES", fresh)


def _complete(execute: Callable[..., Any], table: str) -> set[Place]:
    rows = execute(
        f"SELECT log_id, log_partition FROM {COMPLETE} WHERE fact_table = %(table)s",  # noqa: S608
        {"table": table},
    )
    return {(str(log_id), int(partition)) for log_id, partition in rows}


def _delete_above(execute: Callable[..., Any], table: str, place: Place, end: int) -> None:
    execute(
        f"DELETE FROM {table} WHERE log_id = %(log_id)s"  # noqa: S608 - ours
        " AND log_partition = %(partition)s AND log_offset > %(end)s",
        {"log_id": place[0], "partition": place[1], "end": end},
    )


def _derive(execute: Callable[..., Any], table: str, place: Place, at: int, end: int) -> None:
    """Derives the facts of the records after `at`, up to `end`."""
    if at >= end:
        return
    columns = ", ".join(fact_columns(execute, table))
    which = "log_id = %(log_id)s AND log_partition = %(partition)s"
    events = (
        f"(SELECT * FROM {EVENTS_TABLE} WHERE {which}"  # noqa: S608 - ours
        " AND log_offset BETWEEN %(first)s AND %(last)s) AS events_stored"
    )
    query = fact_query(execute, table).replace("%", "%%")
    query = query.replace(f"FROM {EVENTS_TABLE}", f"FROM {events}")
    known = {"log_id": place[0], "partition": place[1]}
    while at < end:
        ((first,),) = execute(
            f"SELECT min(log_offset) FROM {EVENTS_TABLE}"  # noqa: S608 - ours
            f" WHERE {which} AND log_offset > %(at)s",
            {**known, "at": at},
        )
        at = min(first + OFFSETS_AT_ONCE - 1, end)
        execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM ({query})",  # noqa: S608 - ours
            {**known, "first": first, "last": at},
            settings=_ONE_PART,
        )


def fact_query(execute: Callable[..., Any], table: str) -> str:
    """The query over all events that gives the rows of a fact table."""
    database, _, name = loading_view(table).partition(".")
    ((query,),) = execute(
        "SELECT as_select FROM system.tables WHERE database = %(database)s AND name = %(name)s",
        {"database": database, "name": name},
    )
    return str(query)


def fact_columns(execute: Callable[..., Any], table: str) -> list[str]:
    """The columns of a fact table that its query gives, in their order."""
    database, _, name = table.partition(".")
    rows = execute(
        "SELECT name FROM system.columns WHERE database = %(database)s AND table = %(name)s"
        " AND default_kind = '' ORDER BY position",
        {"database": database, "name": name},
    )
    return [str(column) for (column,) in rows]
