"""An empty archive on a running engine."""

from clickhouse_driver import Client

from infra.clickhouse.migrations import migrate

_TABLES = (
    "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine LIKE '%MergeTree%'"
    " AND name != 'migrations'"
)


def empty_archive(client: Client) -> None:
    """Migrates where needed and truncates: making eleven migrations anew takes half a second."""
    migrate(client)
    for (table,) in client.execute(_TABLES):
        client.execute(f"TRUNCATE TABLE daehwa.{table} SYNC")
