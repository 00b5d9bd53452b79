"""Every query of the generated boards, run on the embedded ClickHouse over a history of e-CRM."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import launch
from infra.grafana.boards import BOARDS
from infra.grafana.dashboards_json import FOLDER, board_json
from infra.grafana.panel import VARIABLES, Board, Panel
from infra.settings import Settings
from schemas.dead_letter import DeadLetter
from streams.archive.rows import Place, dead_letter_columns
from streams.archive.tables import DEAD_LETTERS_TABLE
from tests.harness.crm_history import DAYS, START, crm_history
from tests.harness.grafana import without_macros
from tests.harness.paths import DOCS
from tests.harness.stored_history import store_history

EVENTS = 20_000
BEGIN = datetime.fromtimestamp(START / 1000, UTC)
END = BEGIN + timedelta(days=DAYS + 60)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log")
    settings = Settings(clickhouse_url=server.url)
    inserter = Inserter(settings)
    inserter.migrate()
    store_history(inserter, crm_history(EVENTS, seed=3), blocks=2)
    letter = DeadLetter(id="d", reason="unreadable", detail="", origin="o", at=START, payload=b"{")
    letters = dead_letter_columns([(Place("log", 0, 0), letter)])
    inserter.insert(DEAD_LETTERS_TABLE, letters, "letters")
    client = open_client(settings)
    yield client
    client.disconnect()
    inserter.close()
    server.stop()


def panels(board: Board) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(board_json(board))["panels"]
    return made


QUERIES = {
    (board.uid, panel["title"]): panel["targets"][0]["rawSql"]
    for board in BOARDS
    for panel in panels(board)
    if "rawSql" in panel["targets"][0]
}
TIME_SERIES = [
    (board.uid, panel.title)
    for board in BOARDS
    for panel in board.panels
    if isinstance(panel, Panel) and panel.kind == "timeseries"
]


@pytest.mark.parametrize(("uid", "title"), QUERIES)
def test_a_panel_has_something_to_show(client: Client, uid: str, title: str) -> None:
    rows = client.execute(without_macros(QUERIES[uid, title], BEGIN, END))
    print(f"{uid}, {title}: {client.last_query.progress.rows:,} rows read")
    assert any(value for row in rows for value in row)


@pytest.mark.parametrize(("uid", "title"), TIME_SERIES)
def test_a_time_series_begins_with_its_time(client: Client, uid: str, title: str) -> None:
    sql = without_macros(QUERIES[uid, title], BEGIN, END)
    times = [row[0] for row in client.execute(sql)]
    assert all(isinstance(time, datetime) for time in times)
    assert times == sorted(times)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_has_values(client: Client, name: str) -> None:
    _, query = VARIABLES[name]
    assert any(value for (value,) in client.execute(query))


def test_panels_read_documented_views_only() -> None:
    views = (DOCS / "reference" / "sql.md").read_text(encoding="utf-8").split("## Tables")[0]
    documented = set(re.findall(r"^### `(daehwa\.\w+)`$", views, re.MULTILINE))
    for place, sql in QUERIES.items():
        read = set(re.findall(r"daehwa\.\w+", re.sub(r"(daehwa\.\w+)\.\w+", r"\1", sql)))
        assert read, place
        assert read <= documented, place


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_file_is_what_the_generator_writes(board: Board) -> None:
    written = (FOLDER / f"{board.uid}.json").read_bytes()
    assert written == board_json(board), "run python -m infra.grafana.dashboards_json"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_do_not_overlap(board: Board) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(board):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
