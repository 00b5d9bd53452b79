"""Applications that analysts read with, in environments of their own: dbt and Apache Superset."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, launch
from infra.settings import Settings
from tests.harness.crm_history import crm_history
from tests.harness.paths import ROOT
from tests.harness.stored_history import store_history
from tests.harness.tool_environment import tool_environment

READERS = Path(__file__).parent / "readers"
DBT_PROJECT = ROOT / "infra" / "dbt"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    """With a history of e-CRM."""
    folder = tmp_path_factory.mktemp("clickhouse")
    access = Access(password="s3cret", dashboard_password="dash")
    started = launch(folder / "data", folder / "log", access)
    inserter = Inserter(Settings(clickhouse_url=started.url))
    inserter.migrate()
    store_history(inserter, crm_history(5_000, seed=13), blocks=2)
    inserter.close()
    yield started
    assert started.stop() == 0, (folder / "log").read_text()


@pytest.fixture
def client(server: ClickHouseProcess) -> Iterator[Client]:
    client = open_client(Settings(clickhouse_url=server.url))
    yield client
    client.disconnect()


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tools") / "dbt"
    return tool_environment(folder, READERS / "dbt" / "requirements.lock") / "dbt"


@pytest.mark.parametrize("driver", ["http", "native"])
def test_dbt_builds_tests_and_documents_its_models(
    dbt: Path, server: ClickHouseProcess, client: Client, driver: str, tmp_path: Path
) -> None:
    port = server.http_port if driver == "http" else server.port
    environment = {
        **os.environ,
        "DBT_CLICKHOUSE_DRIVER": driver,
        "DBT_CLICKHOUSE_PORT": str(port),
        "DBT_ENV_SECRET_CLICKHOUSE_PASSWORD": server.password,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    # The second time every model is there already.
    for call in (["build"], ["build"], ["docs", "generate"]):
        said = subprocess.run(
            [dbt, *call], env=environment, cwd=tmp_path, capture_output=True, text=True,
            timeout=180, check=False,
        )  # fmt: skip
        assert said.returncode == 0, said.stdout

    built = client.execute("SELECT sum(orders), sum(net) FROM analytics.customer_value")
    assert built == client.execute(
        "SELECT toUInt64(count()), sum(net) FROM daehwa.orders WHERE counts"
    )
    ((buyers,),) = client.execute("SELECT sum(buyers) FROM analytics.channel_value")
    assert buyers == client.execute("SELECT count() FROM analytics.customer_value")[0][0] > 0
    ((comment,),) = client.execute(
        "SELECT comment FROM system.columns WHERE database = 'analytics'"
        " AND table = 'customer_value' AND name = 'net'"
    )
    assert comment == "their amount less refunds"

    catalogue = json.loads((tmp_path / "target" / "catalog.json").read_text())["sources"]
    views = client.execute(
        "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine = 'View'"
    )
    assert catalogue.keys() == {f"source.daehwa.daehwa.{view}" for (view,) in views}


def test_superset_reads_the_catalogue_and_charts(
    server: ClickHouseProcess, client: Client, tmp_path: Path
) -> None:
    superset = tool_environment(tmp_path / "v", READERS / "superset" / "requirements.lock")
    config = tmp_path / "superset_config.py"
    config.write_text(
        f'SECRET_KEY = "{"x" * 50}"\nSQLALCHEMY_DATABASE_URI = "sqlite:///{tmp_path}/own.db"\n'
    )
    uri = f"clickhousedb://dashboard:dash@{server.host}:{server.http_port}/daehwa"
    said = subprocess.run(
        [superset / "python", READERS / "superset" / "read.py", uri],
        env={**os.environ, "SUPERSET_CONFIG_PATH": str(config)},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-3000:]
    told: dict[str, Any] = json.loads(said.stdout[said.stdout.index("{") :])

    assert told["engine"] == "ClickHouseConnectEngineSpec"
    of_views = "FROM system.tables WHERE database = 'daehwa' AND engine = 'View'"
    assert told["views"] == [
        name for (name,) in client.execute(f"SELECT name {of_views} ORDER BY name")
    ]
    assert [(told["comment"],)] == client.execute(f"SELECT comment {of_views} AND name = 'funnel'")
    assert told["columns"] == dict(
        client.execute(
            "SELECT name, comment FROM system.columns WHERE database = 'daehwa'"
            " AND table = 'funnel'"
        )
    )
    assert [(told["orders"],)] == client.execute("SELECT count() FROM daehwa.orders")
    assert told["times"] == ["day"]
    by_source = client.execute("SELECT source, sum(net) FROM daehwa.revenue_by_day GROUP BY source")
    assert {source: round(net, 2) for source, net in told["by_source"]} == {
        source: round(float(net), 2) for source, net in by_source
    }
    by_month = client.execute(
        "SELECT toStartOfMonth(day), sum(net) FROM daehwa.revenue_by_day GROUP BY 1"
    )
    assert {month[:10]: round(net, 2) for month, net in told["by_month"]} == {
        f"{month}": round(float(net), 2) for month, net in by_month
    }
