"""`daehwa sql QUERY`: queries the archive."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.formats import FORMATS
from infra.cli.query_output import check_format, write_answer
from infra.cli.refusal import settings_or_refusal


def sql(
    query: Annotated[str, typer.Argument(help="One ClickHouse statement that reads.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a row; as --format json.")
    ] = False,
    name: Annotated[
        str, typer.Option("--format", help=f"{', '.join(FORMATS)}.", metavar="FORMAT")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option(help="The file to write; an existing one is replaced.")
    ] = None,
) -> None:
    """Query the archive in SQL.

    Needs DAEHWA_CLICKHOUSE_URL. Example: daehwa sql "select * from daehwa.orders" --format parquet
    --output orders.parquet
    """
    name = "json" if as_json else name
    check_format(name, output)
    write_answer(query, name, output, settings_or_refusal())
