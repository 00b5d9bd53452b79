"""`daehwa sql QUERY`: queries the archive."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from infra.cli.archive import PROBLEMS, archive_refusal
from infra.cli.printing import plain_console
from infra.cli.refusal import settings_or_refusal
from infra.clickhouse.connection import open_client


def sql(
    query: Annotated[str, typer.Argument(help="One ClickHouse statement that reads.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Query the archive in SQL.

    Needs DAEHWA_CLICKHOUSE_URL. Example: daehwa sql "select count() from daehwa.events"
    """
    settings = settings_or_refusal()
    client = open_client(settings)
    try:
        rows, columns = client.execute(query, with_column_types=True, settings={"readonly": 2})
    except PROBLEMS as problem:
        raise archive_refusal(problem, settings) from None
    finally:
        client.disconnect()
    names = [name for name, _ in columns]
    if as_json:
        for row in rows:
            typer.echo(json_line(names, row))
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    plain_console().print(table)


def json_line(names: Sequence[str], row: Sequence[Any]) -> str:
    """A row as a JSON object: times as ISO 8601, NaN and infinity as null, other types of
    ClickHouse as text."""
    return msgspec.json.encode(dict(zip(names, row, strict=True)), enc_hook=str).decode()


def _text(value: Any) -> str:
    return "" if value is None else str(value)
