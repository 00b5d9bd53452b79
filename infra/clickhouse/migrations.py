"""Applies the numbered SQL files, each once.

ClickHouse has neither transactions nor locks for this, so every statement of a migration can be
repeated (`IF NOT EXISTS`, `OR REPLACE`): processes that start together, or one that was stopped
halfway, do no harm.
"""

from hashlib import sha256
from pathlib import Path

from clickhouse_driver import Client

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


def migrate(client: Client, folder: Path = MIGRATIONS) -> list[str]:
    """Applies what is new, in the order of the names, and returns the names it applied.

    MigrationChangedError before anything is applied; else what the driver raises.
    """
    for statement in _LEDGER:
        client.execute(statement)
    applied = dict(client.execute("SELECT name, checksum FROM daehwa.migrations FINAL"))
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    for name, text in files.items():
        if applied.get(name, checksum(text)) != checksum(text):
            raise MigrationChangedError(f"{name} was applied with other contents; add a new file")
    fresh = [name for name in files if name not in applied]
    for name in fresh:
        for statement in split_statements(files[name]):
            client.execute(statement)
        client.execute(
            "INSERT INTO daehwa.migrations (name, checksum) VALUES", [(name, checksum(files[name]))]
        )
    return fresh


def checksum(text: str) -> str:
    """SHA-256 of a migration, in hexadecimal; the same whatever the line ends are."""
    return sha256(text.replace("\r\n", "\n").encode()).hexdigest()
