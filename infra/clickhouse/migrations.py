"""Applies the numbered SQL files, each once.

ClickHouse has neither transactions nor locks for this, so every statement of a migration can be
repeated (`IF NOT EXISTS`, `OR REPLACE`): processes that start together, or one that was stopped
halfway, do no harm.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from clickhouse_driver import Client

from infra.clickhouse.data_loss import data_loss
from infra.clickhouse.statements import split_statements

MIGRATIONS = Path(__file__).parent.parent / "sql"

_LEDGER = (
    "CREATE DATABASE IF NOT EXISTS daehwa",
    """CREATE TABLE IF NOT EXISTS daehwa.migrations
    (
        name       String,
        checksum   String,
        applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
    )
    ENGINE = ReplacingMergeTree ORDER BY name""",
)


class MigrationChangedError(Exception):
    """An applied file has changed: write a new migration instead."""


class DataLossError(Exception):
    """A migration would lose stored data, and nobody allowed it."""


class Migration(msgspec.Struct, frozen=True):
    """A file that is not applied yet."""

    name: str
    statements: tuple[str, ...]
    checksum: str
    loses: tuple[str, ...]
    """Words of its statements by which stored data may be lost; empty for an archive without
    migrations, which has none."""


def pending(client: Client, folder: Path | None = None) -> list[Migration]:
    """The migrations that are not applied, in the order of their names; those shipped, or
    those in `folder`. Changes nothing.

    Raises MigrationChangedError where an applied file has changed; else what the driver raises.
    """
    applied = _applied(client)
    found = []
    for path in sorted((folder or MIGRATIONS).glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        if path.name in applied:
            if applied[path.name] != checksum(text):
                raise MigrationChangedError(
                    f"{path.name} was applied with other contents; add a new file"
                )
            continue
        statements = tuple(split_statements(text))
        loses = tuple(filter(None, map(data_loss, statements))) if applied else ()
        found.append(Migration(path.name, statements, checksum(text), loses))
    return found


def migrate(
    client: Client, folder: Path | None = None, *, may_lose_data: bool = False
) -> list[str]:
    """Applies what is new, in the order of the names, and returns the names it applied.

    Raises MigrationChangedError, and DataLossError unless `may_lose_data`, before anything is
    applied; else what the driver raises.
    """
    fresh = pending(client, folder)
    apply(client, fresh, may_lose_data=may_lose_data)
    return [migration.name for migration in fresh]


def apply(client: Client, migrations: Sequence[Migration], *, may_lose_data: bool = False) -> None:
    """Applies the migrations that `pending` found.

    Raises DataLossError unless `may_lose_data`, before anything is applied; else what the driver
    raises.
    """
    if not may_lose_data:
        _refuse_loss(migrations)
    for statement in _LEDGER:
        client.execute(statement)
    for migration in migrations:
        for statement in migration.statements:
            client.execute(statement)
        client.execute(
            "INSERT INTO daehwa.migrations (name, checksum) VALUES",
            [(migration.name, migration.checksum)],
        )


def checksum(text: str) -> str:
    """SHA-256 of a migration, in hexadecimal; the same whatever the line ends are."""
    return sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def _applied(client: Client) -> dict[str, str]:
    """Name -> checksum of the migrations that are applied."""
    known = client.execute(
        "SELECT count() FROM system.tables WHERE database = 'daehwa' AND name = 'migrations'"
    )
    if not known[0][0]:
        return {}
    return dict(client.execute("SELECT name, checksum FROM daehwa.migrations FINAL"))


def _refuse_loss(migrations: Sequence[Migration]) -> None:
    for migration in migrations:
        if migration.loses:
            raise DataLossError(
                f"{migration.name} may lose stored data ({', '.join(migration.loses)}); look at "
                "`daehwa migrate --plan`, make a backup, then run `daehwa migrate --lose-data`"
            )
