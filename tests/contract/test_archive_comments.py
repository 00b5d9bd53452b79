"""Comments in the archive's database, which DBeaver, Superset and dbt show, on the embedded
ClickHouse."""

import re
from collections.abc import Iterator

import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.migrations import migrate
from infra.dbt.sources import FILE, sources_yaml
from infra.embedded.clickhouse.launch import launch
from infra.settings import Settings
from tests.harness.paths import DOCS


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log")
    url = f"clickhouse://default:{server.password}@127.0.0.1:{server.port}"
    client = open_client(Settings(clickhouse_url=url))
    migrate(client)
    yield client
    client.disconnect()
    server.stop()


@pytest.fixture(scope="module")
def documented() -> dict[str, str]:
    """Table -> its section of the reference, as plain text."""
    text = (DOCS / "reference" / "sql.md").read_text(encoding="utf-8")
    found = re.findall(r"^### `daehwa\.(\w+)`$(.*?)(?=^##|\Z)", text, re.M | re.S)
    return dict(found)


def plain(markdown: str) -> str:
    without_links = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", markdown)
    without_marks = re.sub(r"(?<!\w)\*([^*]+)\*", r"\1", without_links.replace("`", ""))
    return " ".join(without_marks.split())


def test_every_column_has_the_words_of_the_reference(
    client: Client, documented: dict[str, str]
) -> None:
    meanings = {
        (table, name): plain(meaning)
        for table, section in documented.items()
        for name, meaning in re.findall(
            r"^\| `([a-z0-9_]+)` \| `[^`]+` \| (.*?) \|$", section, re.M
        )
    }
    comments = {
        (table, name): comment
        for table, name, comment in client.execute(
            "SELECT table, name, comment FROM system.columns WHERE database = 'daehwa'"
            " AND table NOT LIKE '%_loading'"
        )
    }
    assert comments == meanings


def test_every_table_and_view_says_what_it_holds(
    client: Client, documented: dict[str, str]
) -> None:
    comments = dict(
        client.execute(
            "SELECT name, comment FROM system.tables WHERE database = 'daehwa'"
            " AND engine != 'MaterializedView'"
        )
    )
    assert comments.keys() == documented.keys()
    for table, comment in comments.items():
        assert comment, table
        said = plain(documented[table]).replace(" (privacy.md)", "")
        assert comment in said, table


def test_the_sources_of_the_dbt_project_are_the_views(client: Client) -> None:
    # Where this fails: python -m infra.dbt.sources
    assert FILE.read_text(encoding="utf-8") == sources_yaml(client.execute)
