"""Writes `models/sources.yml` of the dbt project: each view of the archive with its comments.

Run `python -m infra.dbt.sources` after a migration that changes a view.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from infra.clickhouse.connection import open_client
from infra.clickhouse.migrations import migrate
from infra.embedded.clickhouse.launch import launch
from infra.settings import Settings

FILE: Final = Path(__file__).parent / "models" / "sources.yml"


def sources_yaml(execute: Callable[..., Any]) -> str:
    """The views of the database behind `execute` as sources of dbt. Texts are JSON strings, which
    YAML reads."""
    lines = [
        "# Made from the comments of the views: python -m infra.dbt.sources",
        "version: 2",
        "",
        "sources:",
        "  - name: daehwa",
        "    description: The archive of Daehwa. Its views are the public contract.",
        "    tables:",
    ]
    columns: dict[str, list[str]] = {}
    for table, name, comment in execute(
        "SELECT table, name, comment FROM system.columns WHERE database = 'daehwa'"
        " ORDER BY table, position"
    ):
        told = [f"          - name: {name}", f"            description: {_text(comment)}"]
        columns.setdefault(table, []).extend(told)
    for view, comment in execute(
        "SELECT name, comment FROM system.tables WHERE database = 'daehwa' AND engine = 'View'"
        " ORDER BY name"
    ):
        lines += [f"      - name: {view}", f"        description: {_text(comment)}"]
        lines += ["        columns:", *columns[view]]
    return "\n".join(lines) + "\n"


def _text(comment: str) -> str:
    # dbt renders Jinja in descriptions.
    return json.dumps(comment.replace("{{", "{ {"), ensure_ascii=False)


def main() -> None:
    """Writes the file from the migrations."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = launch(Path(folder) / "data", Path(folder) / "log")
        client = open_client(Settings(clickhouse_url=server.url))
        try:
            migrate(client)
            FILE.write_text(sources_yaml(client.execute), encoding="utf-8")
        finally:
            client.disconnect()
            server.stop()


if __name__ == "__main__":
    main()
