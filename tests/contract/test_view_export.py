"""`daehwa export VIEW --format …` on the embedded ClickHouse."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client
from pyarrow import parquet
from typer.testing import CliRunner

from infra.cli import app
from infra.cli.refusal import Refusal
from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import launch
from infra.settings import Settings
from tests.harness.crm_history import crm_history
from tests.harness.stored_history import store_history


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Of an archive with a history."""
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log")
    settings = Settings(clickhouse_url=server.url)
    inserter = Inserter(settings)
    inserter.migrate()
    store_history(inserter, crm_history(3_000, seed=8), blocks=1)
    inserter.close()
    yield settings
    server.stop()


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    client = open_client(settings)
    yield client
    client.disconnect()


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("DAEHWA_CLICKHOUSE_URL", settings.clickhouse_url or "")
    return CliRunner()


def test_every_view_is_written_as_parquet(
    command: CliRunner, client: Client, tmp_path: Path
) -> None:
    views = client.execute(
        "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine = 'View'"
    )
    assert len(views) > 40
    for (view,) in views:
        path = tmp_path / f"{view}.parquet"
        told = command.invoke(app, ["export", view, "--format", "parquet", "--output", str(path)])
        assert told.exit_code == 0, f"{view}: {told.output}"
        ((rows,),) = client.execute(f"SELECT count() FROM daehwa.{view}")
        described = client.execute(f"DESCRIBE daehwa.{view}")
        table = parquet.read_table(path)
        assert table.num_rows == rows, view
        assert table.schema.names == [column[0] for column in described], view


def test_a_view_may_have_its_database_before_it(command: CliRunner) -> None:
    told = command.invoke(app, ["export", "daehwa.orders", "--format", "json"])
    assert told.exit_code == 0, told.output
    assert {"order_key", "net", "status"} <= json.loads(told.stdout.splitlines()[0]).keys()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["order", "--format", "csv"], "no view 'order': did you mean orders"),
        (["events_stored", "--format", "csv"], "no view 'events_stored'"),
        (["orders; drop table x", "--format", "csv"], "no view 'orders; drop table x'"),
        (["orders", "--format", "xlsx"], "no format 'xlsx'; give one of table, csv"),
    ],
)
def test_what_is_no_view_is_refused_in_one_sentence(
    command: CliRunner, arguments: list[str], said: str
) -> None:
    told = command.invoke(app, ["export", *arguments])
    assert isinstance(told.exception, Refusal)
    assert said in str(told.exception)
