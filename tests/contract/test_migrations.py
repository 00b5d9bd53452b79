"""Migrations of the archive, on the embedded ClickHouse: in the worker and as `daehwa migrate`."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clickhouse_driver import Client, errors
from typer.testing import CliRunner

from infra.cli import app
from infra.clickhouse import migrations
from infra.clickhouse.connection import open_client
from infra.clickhouse.migrations import (
    MIGRATIONS,
    DataLossError,
    MigrationChangedError,
    migrate,
    pending,
)
from infra.embedded.clickhouse.launch import ClickHouseProcess, launch
from infra.settings import Settings

NAMES = sorted(path.name for path in MIGRATIONS.glob("*.sql"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    process = launch(folder / "data", folder / "log")
    yield process
    process.stop()


def settings_of(server: ClickHouseProcess) -> Settings:
    url = f"clickhouse://default:{server.password}@127.0.0.1:{server.port}"
    return Settings(clickhouse_url=url)


@pytest.fixture
def client(server: ClickHouseProcess) -> Iterator[Client]:
    """A client of a server without an archive."""
    client = open_client(settings_of(server))
    client.execute("DROP DATABASE IF EXISTS daehwa SYNC")
    yield client
    client.disconnect()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations, instead of those that are shipped."""
    (tmp_path / "0001_a.sql").write_text(
        "CREATE TABLE IF NOT EXISTS daehwa.a (x UInt8) ENGINE = MergeTree ORDER BY x;"
    )
    (tmp_path / "0002_b.sql").write_text("CREATE OR REPLACE VIEW daehwa.b AS SELECT 1 AS one;")
    return tmp_path


def test_migrations_are_applied_once_also_by_processes_that_start_together(
    server: ClickHouseProcess, client: Client
) -> None:
    clients = [open_client(settings_of(server)) for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as threads:
        applied = list(threads.map(migrate, clients))
    assert set().union(*map(set, applied)) == set(NAMES)
    assert migrate(client) == []
    rows = client.execute("SELECT name FROM daehwa.migrations FINAL ORDER BY name")
    assert [name for (name,) in rows] == NAMES
    for one in clients:
        one.disconnect()


def test_a_new_migration_is_applied_and_a_changed_one_is_an_error(
    client: Client, tmp_path: Path
) -> None:
    migrate(client)
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    new = tmp_path / "9999_new.sql"
    new.write_text("CREATE OR REPLACE VIEW daehwa.one AS SELECT 'a;b' AS text; -- done;")
    assert migrate(client, tmp_path) == [new.name]
    assert client.execute("SELECT * FROM daehwa.one") == [("a;b",)]
    new.write_text("CREATE OR REPLACE VIEW daehwa.one AS SELECT 2 AS two")
    with pytest.raises(MigrationChangedError, match=new.name):
        migrate(client, tmp_path)


def test_a_migration_that_was_interrupted_goes_on(client: Client, folder: Path) -> None:
    third = folder / "0003_c.sql"
    third.write_text(
        "ALTER TABLE daehwa.a ADD COLUMN IF NOT EXISTS y UInt8;"
        "CREATE OR REPLACE VIEW daehwa.c AS SELECT y FROM daehwa.missing;"
    )
    with pytest.raises(errors.ServerException, match="missing"):
        migrate(client, folder)
    assert [one.name for one in pending(client, folder)] == ["0003_c.sql"]
    third.write_text(third.read_text().replace("missing", "a"))
    assert migrate(client, folder) == ["0003_c.sql"]
    assert client.execute("SELECT * FROM daehwa.c") == []


def test_what_may_lose_data_is_refused_before_anything_is_applied(
    client: Client, folder: Path
) -> None:
    migrate(client, folder)
    client.execute("INSERT INTO daehwa.a VALUES (7)")
    (folder / "0003_c.sql").write_text("CREATE OR REPLACE VIEW daehwa.c AS SELECT 1 AS one;")
    (folder / "0004_d.sql").write_text("TRUNCATE TABLE daehwa.a;")
    with pytest.raises(DataLossError, match=r"0004_d.sql may lose stored data \(TRUNCATE\)"):
        migrate(client, folder)
    assert client.execute("SELECT x FROM daehwa.a") == [(7,)]
    assert len(pending(client, folder)) == 2

    assert migrate(client, folder, may_lose_data=True) == ["0003_c.sql", "0004_d.sql"]
    assert client.execute("SELECT x FROM daehwa.a") == []


def test_an_archive_without_migrations_has_nothing_to_lose(client: Client, folder: Path) -> None:
    (folder / "0003_c.sql").write_text("DROP TABLE daehwa.a;")
    assert migrate(client, folder) == ["0001_a.sql", "0002_b.sql", "0003_c.sql"]


# The command


@pytest.fixture
def command(
    server: ClickHouseProcess, client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> CliRunner:
    monkeypatch.setenv("DAEHWA_CLICKHOUSE_URL", settings_of(server).clickhouse_url)
    monkeypatch.setattr(migrations, "MIGRATIONS", folder)
    return CliRunner()


def test_the_plan_is_sql_that_can_be_run_and_changes_nothing(
    command: CliRunner, client: Client
) -> None:
    told = command.invoke(app, ["migrate", "--plan"])
    assert told.exit_code == 0
    assert told.stdout == (
        "-- 0001_a.sql\n"
        "CREATE TABLE IF NOT EXISTS daehwa.a (x UInt8) ENGINE = MergeTree ORDER BY x;\n\n"
        "-- 0002_b.sql\n"
        "CREATE OR REPLACE VIEW daehwa.b AS SELECT 1 AS one;\n\n"
    )
    assert client.execute("SHOW DATABASES LIKE 'daehwa'") == []


def test_the_command_applies_each_migration_once(command: CliRunner, client: Client) -> None:
    told = command.invoke(app, ["migrate", "--json"])
    assert [(one["name"], one["applied"]) for one in map(json.loads, told.stdout.splitlines())] == [
        ("0001_a.sql", True),
        ("0002_b.sql", True),
    ]
    assert client.execute("SELECT * FROM daehwa.b") == [(1,)]
    assert command.invoke(app, ["migrate"]).stdout == "nothing to migrate\n"
    assert command.invoke(app, ["migrate", "--json"]).stdout == ""


def test_the_command_says_how_to_allow_what_may_lose_data(command: CliRunner, folder: Path) -> None:
    assert command.invoke(app, ["migrate"]).exit_code == 0
    (folder / "0003_c.sql").write_text("ALTER TABLE daehwa.a DROP COLUMN IF EXISTS y;")
    planned = command.invoke(app, ["migrate", "--plan"]).stdout
    assert "-- may lose stored data: DROP COLUMN\n" in planned
    refused = command.invoke(app, ["migrate"])
    assert "0003_c.sql" in str(refused.exception)
    assert "--lose-data" in str(refused.exception)
    allowed = command.invoke(app, ["migrate", "--lose-data"])
    assert allowed.stdout == "applied 0003_c.sql\n"
