"""Every query of the Grafana board, run on the embedded ClickHouse."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
import yaml
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import launch
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.dead_letter import DeadLetter
from schemas.event import WireEvent
from schemas.trigger import Trigger
from streams.archive.rows import (
    Place,
    dead_letter_columns,
    event_columns,
    trigger_columns,
)
from streams.archive.tables import (
    DEAD_LETTERS_TABLE,
    EVENTS_TABLE,
    TRIGGERS_TABLE,
)
from tests.harness.grafana import without_macros
from tests.harness.paths import ROOT

GRAFANA = ROOT / "infra" / "grafana"
BOARD = json.loads((GRAFANA / "dashboards" / "daehwa.json").read_text(encoding="utf-8"))
EVENTS = 500


def queries() -> dict[str, str]:
    found = {
        panel["title"]: target["rawSql"] for panel in BOARD["panels"] for target in panel["targets"]
    }
    for variable in BOARD["templating"]["list"]:
        found[f"${variable['name']}"] = variable["query"]
    return found


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log")
    settings = Settings(clickhouse_url=server.url)
    inserter = Inserter(settings)
    inserter.migrate()
    fill(inserter)
    client = open_client(settings)
    yield client
    client.disconnect()
    inserter.close()
    server.stop()


def fill(inserter: Inserter) -> None:
    """Shoppers of the last three hours, their triggers and a dead letter."""
    chance = random.Random(11)
    now = round(datetime.now(UTC).timestamp() * 1000)
    place = Place("log", 0, 0)
    events, triggers = [], []
    arms: list[Literal["treated", "held_out"]] = ["treated", "held_out"]
    for number in range(EVENTS):
        at = now - chance.randrange(3 * 3_600_000)
        name = chance.choice(["Product Clicked", "Product Viewed", "Product Added"])
        events.append(
            WireEvent(
                message_id=f"m{number}",
                type="track",
                channel=chance.choice(["web", "app"]),
                name=name,
                anonymous_id=f"v{chance.randrange(60)}",
                occurred_at=at,
                received_at=at + 20,
                properties=msgspec.Raw(b'{"category": "hats"}'),
            )
        )
        arm = chance.choice(arms)
        triggers.append(
            Trigger(
                id=f"t{number}",
                type="stage.reached",
                rule="reached",
                customer_id=f"v{chance.randrange(60)}",
                occurred_at=at,
                decided_at=at,
                decision="fire" if arm == "treated" else "suppressed",
                suppressed_by=None if arm == "treated" else "holdout",
                campaign="spring",
                arm=arm,
                reason="reached a stage",
                why={},
            )
        )
    letter = DeadLetter(id="d", reason="unreadable", detail="", origin="o", at=now, payload=b"{")
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    inserter.insert(EVENTS_TABLE, event_columns([(place, events)], playbook), "events")
    inserter.insert(TRIGGERS_TABLE, trigger_columns((place, one) for one in triggers), "triggers")
    inserter.insert(DEAD_LETTERS_TABLE, dead_letter_columns([(place, letter)]), "letters")


def answer(client: Client, title: str) -> list[tuple[Any, ...]]:
    now = datetime.now(UTC)
    sql = without_macros(queries()[title], now - timedelta(hours=24), now + timedelta(minutes=1))
    rows: list[tuple[Any, ...]] = client.execute(sql)
    return rows


@pytest.mark.parametrize("title", queries())
def test_a_panel_has_something_to_show(client: Client, title: str) -> None:
    rows = answer(client, title)
    assert rows
    assert any(value for row in rows for value in row)


def test_the_numbers_add_up_to_the_events(client: Client) -> None:
    assert answer(client, "Events") == [(EVENTS,)]
    assert sum(row[2] for row in answer(client, "Events per minute")) == EVENTS
    assert sum(row[2] for row in answer(client, "Channel mix")) == EVENTS
    assert sum(row[3] for row in answer(client, "Funnel by topic and stage")) == EVENTS
    assert sum(row[2] for row in answer(client, "Triggers by type and hour")) == EVENTS
    exposed = answer(client, "Campaigns")
    assert [row[:2] for row in exposed] == [("spring", "treated"), ("spring", "held_out")]
    assert sum(row[2] for row in exposed) == 60
    ((fired,),) = answer(client, "Triggers fired")
    assert sum(row[3] for row in answer(client, "Held back, by reason")) == EVENTS - fired


def test_a_time_series_begins_with_its_time(client: Client) -> None:
    for panel in BOARD["panels"]:
        (target,) = panel["targets"]
        if target["queryType"] == "timeseries":
            rows = answer(client, panel["title"])
            assert all(isinstance(row[0], datetime) for row in rows), panel["title"]
            assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_panels_read_the_documented_views_only() -> None:
    documented = re.findall(
        r"^### `(daehwa\.\w+)`$",
        (GRAFANA.parents[1] / "docs" / "reference" / "sql.md")
        .read_text(encoding="utf-8")
        .split("## Tables")[0],
        re.MULTILINE,
    )
    for title, sql in queries().items():
        read = set(re.findall(r"daehwa\.\w+", sql))
        assert read, title
        assert read <= set(documented), title


def test_the_board_asks_the_provisioned_data_source() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/clickhouse.yaml").read_text())
    (source,) = provisioned["datasources"]
    expected = {"type": source["type"], "uid": source["uid"]}
    used = [BOARD["templating"]["list"][0]["datasource"]]
    for panel in BOARD["panels"]:
        used += [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert all(one == expected for one in used)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
