"""The how-to from an empty folder to a plotted cohort, as it stands."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars
import pytest
from matplotlib import image

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, launch
from infra.settings import Settings
from tests.harness.crm_history import crm_history
from tests.harness.paths import DOCS
from tests.harness.stored_history import store_history

EVENTS = 20_000
PROGRAM = "\n".join(
    re.findall(
        r"^```python\n(.*?)^```$",
        (DOCS / "how-to" / "plot-a-cohort.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClickHouseProcess]:
    """With a history of eight months."""
    access = Access(password="s3cret", dashboard_password="dash")
    started = launch(tmp_path / "data", tmp_path / "log", access)
    inserter = Inserter(Settings(clickhouse_url=started.url))
    inserter.migrate()
    store_history(inserter, crm_history(EVENTS, seed=3), blocks=2)
    inserter.close()
    yield started
    started.stop()


def test_the_code_of_the_page_makes_the_picture(server: ClickHouseProcess, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DAEHWA_ARCHIVE": f"{server.host}:{server.http_port}",
        "DASHBOARD_PASSWORD": "dash",
        "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2025-01" in done.stdout

    drawn = image.imread(tmp_path / "cohort.png")
    assert drawn.shape[:2] == (600, 1080)
    assert len({tuple(pixel) for row in drawn[::10] for pixel in row[::10]}) > 20

    client = open_client(Settings(clickhouse_url=server.url))
    ((net,),) = client.execute("SELECT sum(net) FROM daehwa.revenue_by_day")
    client.disconnect()
    assert polars.read_parquet(tmp_path / "revenue.parquet")["net"].sum() == net
