"""The tables against each other: no row twice, and the facts are those of the events. It holds for
events that Kafka has forgotten, too."""

from collections.abc import Callable
from typing import Any, Final

from infra.archive_check.finding import Finding
from infra.clickhouse.facts import COMPLETE, fact_columns, fact_query
from infra.privacy.archived_rows import Ask
from streams.archive.tables import FACT_TABLES, IDENTITIES

EXAMPLES: Final = 10

_IN_ORDER: Final = "SETTINGS optimize_aggregation_in_order = 1"
"""By the sorting key: the memory stays small however large the table."""


def check_doubles(ask: Ask) -> list[Finding]:
    """Whether a table holds a row twice."""
    findings = []
    for table, identity in IDENTITIES.items():
        keys = ", ".join(identity.keys)
        ((count,),) = ask(
            "SELECT coalesce(sum(rows - 1), 0) FROM (SELECT count() AS rows"  # noqa: S608 - ours
            f" FROM {table} GROUP BY {keys} HAVING rows > 1) {_IN_ORDER}",
            {},
        )
        check = f"rows of {_short(table)}"
        if not count:
            findings.append(Finding(check=check, ok=True, found="each is stored once"))
            continue
        findings.append(
            Finding(
                check=check,
                ok=False,
                found=f"{count:,} are stored a second time",
                remedy=f"ClickHouse merges them in time; `OPTIMIZE TABLE {table} FINAL` at once",
            )
        )
    return findings


def check_facts(ask: Ask, *, repair: bool = False) -> list[Finding]:
    """Whether each fact table holds what its view makes of the events, partition by partition.

    With `repair` the partitions that differ are no longer called complete: the archive worker
    derives them anew when it starts.
    """
    return [_check_facts(ask, table, repair=repair) for table in FACT_TABLES]


def _check_facts(ask: Ask, table: str, *, repair: bool) -> Finding:
    def execute(query: str, parameters: Any = None, **_: Any) -> list[tuple[Any, ...]]:
        return ask(query, parameters or {})

    expected = _sums(ask, f"({fact_query(execute, table)})", execute, table)
    stored = _sums(ask, table, execute, table)
    wrong = sorted(
        place for place in expected.keys() | stored.keys()
        if expected.get(place) != stored.get(place)
    )  # fmt: skip
    check = f"facts in {_short(table)}"
    rows = sum(count for count, _ in expected.values())
    if not wrong:
        return Finding(check=check, ok=True, found=f"{rows:,} are those of the events")
    if repair:
        for log_id, partition in wrong:
            ask(
                f"DELETE FROM {COMPLETE} WHERE fact_table = %(table)s"  # noqa: S608 - ours
                " AND log_id = %(log_id)s AND log_partition = %(partition)s",
                {"table": table, "log_id": log_id, "partition": partition},
            )
    have = sum(count for count, _ in stored.values())
    told = [
        f"partition {partition}: {stored.get((log_id, partition), (0, 0))[0]:,} of "
        f"{expected.get((log_id, partition), (0, 0))[0]:,}"
        for log_id, partition in wrong[:EXAMPLES]
    ]
    return Finding(
        check=check,
        ok=False,
        found=f"{have:,} stored, {rows:,} in the events",
        examples=tuple(told),
        remedy="restart the archive worker: it derives them anew"
        if repair
        else "`daehwa archive check --repair`, then restart the archive worker",
    )


def _sums(
    ask: Ask, source: str, execute: Callable[..., Any], table: str
) -> dict[tuple[str, int], tuple[int, int]]:
    """(log, partition) -> number of rows, and a sum over what they hold."""
    hashed = ", ".join(fact_columns(execute, table))
    rows = ask(
        "SELECT log_id, log_partition, count(),"  # noqa: S608 - ours
        f" sum(cityHash64({hashed})) FROM {source} GROUP BY log_id, log_partition",
        {},
    )
    return {
        (str(log_id), int(partition)): (int(count), int(summed))
        for log_id, partition, count, summed in rows
    }


def _short(table: str) -> str:
    return table.removeprefix("daehwa.")
