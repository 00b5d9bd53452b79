"""`daehwa sql QUERY`: asks the archive."""

import json
from typing import Annotated, Any

import typer
from clickhouse_driver.errors import Error as ClickHouseError
from rich.table import Table

from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal, settings_or_refusal
from infra.clickhouse.connection import open_client


def sql(
    query: Annotated[str, typer.Argument(help="One ClickHouse statement that reads.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Ask the archive in SQL.

    Needs DAEHWA_CLICKHOUSE_URL. Example: daehwa sql "select count() from daehwa.events"
    """
    settings = settings_or_refusal()
    client = open_client(settings)
    try:
        rows, columns = client.execute(query, with_column_types=True, settings={"readonly": 2})
    except ClickHouseError as problem:
        raise Refusal(str(problem).splitlines()[0][:500]) from None
    except (OSError, EOFError) as problem:
        host = settings.clickhouse.hostname
        raise Refusal(f"no answer from ClickHouse at {host}: {problem}") from None
    finally:
        client.disconnect()
    names = [name for name, _ in columns]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(dict(zip(names, row, strict=True)), default=str))
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    plain_console().print(table)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
