"""Which statements of a migration may lose stored data."""

import pytest

from infra.clickhouse.data_loss import data_loss
from infra.clickhouse.migrations import MIGRATIONS
from infra.clickhouse.statements import split_statements


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE daehwa.events_stored", "DROP TABLE"),
        ("drop  table\nif exists daehwa.events_stored sync", "DROP TABLE"),
        ("DROP DATABASE daehwa", "DROP DATABASE"),
        ("DROP VIEW IF EXISTS daehwa.sums", "DROP VIEW"),
        ("TRUNCATE TABLE daehwa.events_stored", "TRUNCATE"),
        ("DELETE FROM daehwa.events_stored WHERE 1", "DELETE FROM"),
        ("CREATE OR REPLACE TABLE daehwa.a (x UInt8) ENGINE = Memory", "CREATE OR REPLACE TABLE"),
        ("ALTER TABLE daehwa.a DROP COLUMN IF EXISTS x", "DROP COLUMN"),
        ("ALTER TABLE daehwa.a ADD COLUMN y UInt8, DROP COLUMN x", "DROP COLUMN"),
        ("ALTER TABLE daehwa.a ON CLUSTER c DROP PARTITION 202601", "DROP PARTITION"),
        ("ALTER TABLE daehwa.a UPDATE x = 1 WHERE 1", "UPDATE"),
        ("ALTER TABLE daehwa.a DELETE WHERE x = 1", "DELETE WHERE"),
        ("ALTER TABLE daehwa.a MODIFY COLUMN x UInt8", "MODIFY COLUMN"),
        ("ALTER TABLE daehwa.a MODIFY TTL at + INTERVAL 1 DAY", "MODIFY TTL"),
    ],
)
def test_what_may_lose_data_is_named(statement: str, words: str) -> None:
    assert data_loss(statement) == words


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE IF NOT EXISTS daehwa.a (x UInt8) ENGINE = Memory",
        "CREATE OR REPLACE VIEW daehwa.v AS SELECT 'ALTER TABLE a DROP COLUMN x'",
        "ALTER TABLE daehwa.a ADD COLUMN IF NOT EXISTS x String COMMENT 'see DROP COLUMN'",
        "ALTER TABLE daehwa.a ADD COLUMN dropped UInt8, MODIFY ORDER BY (k, dropped)",
        "ALTER TABLE daehwa.a ADD COLUMN `drop column` UInt8",
        "ALTER TABLE daehwa.a DROP INDEX i",
        "ALTER TABLE daehwa.a REMOVE TTL",
        "CREATE OR REPLACE VIEW daehwa.v AS SELECT 1",
    ],
)
def test_what_keeps_all_data_is_not(statement: str) -> None:
    assert data_loss(statement) is None


def test_no_shipped_migration_loses_data() -> None:
    lossy = [
        (path.name, words)
        for path in MIGRATIONS.glob("*.sql")
        for statement in split_statements(path.read_text(encoding="utf-8"))
        if (words := data_loss(statement)) is not None
    ]
    assert lossy == []
