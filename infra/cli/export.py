"""`daehwa export`: everything held on a customer, or a view of the archive."""

import difflib
from pathlib import Path
from typing import Annotated, BinaryIO
from urllib.parse import quote

import httpx
import typer

from infra.cli.archive import PROBLEMS, archive_refusal
from infra.cli.asking import api_address, message_of
from infra.cli.formats import FORMATS
from infra.cli.query_output import check_format, output_stream, write_answer
from infra.cli.refusal import Refusal, settings_or_refusal
from infra.clickhouse.connection import open_client
from infra.settings import Settings


def export(
    name: Annotated[
        str, typer.Argument(help="Customer id or anonymous id; with --format, a view.")
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", help=f"Of a view: {', '.join(FORMATS)}.", metavar="FORMAT"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; an existing one is replaced.")
    ] = None,
) -> None:
    """Write everything held on a customer, a line of JSON each; with --format, a view of the
    archive.

    A customer needs DAEHWA_URL and DAEHWA_API_TOKEN, a view DAEHWA_CLICKHOUSE_URL. Example: daehwa
    export u1 > u1.ndjson, or daehwa export orders --format parquet --output orders.parquet
    """
    if form is None:
        _export_customer(name, output)
        return
    check_format(form, output)
    settings = settings_or_refusal()
    view = _view(name, settings)
    write_answer(f"SELECT * FROM daehwa.{view}", form, output, settings)  # noqa: S608 - a known one


def _export_customer(customer_id: str, output: Path | None) -> None:
    url, headers = api_address()
    path = f"{url}/v1/customers/{quote(customer_id, safe='')}/export"
    with output_stream(output) as stream:
        try:
            with httpx.stream("GET", path, headers=headers, timeout=300) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise Refusal(message_of(answer))
                last = _copied(answer, stream)
        except httpx.HTTPError as problem:
            raise Refusal(f"the export was interrupted: {problem}") from None
        if b'{"kind":"end"' not in last:
            raise Refusal("the export is not complete: its last line is missing")


def _copied(answer: httpx.Response, stream: BinaryIO) -> bytes:
    """Copies the body; returns its end."""
    last = b""
    for chunk in answer.iter_bytes():
        stream.write(chunk)
        last = (last + chunk)[-200:]
    return last


def _view(name: str, settings: Settings) -> str:
    """The view of that name, with or without its database; a refusal where there is none."""
    try:
        client = open_client(settings)
        try:
            rows = client.execute(
                "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine = 'View'"
            )
        finally:
            client.disconnect()
    except PROBLEMS as problem:
        raise archive_refusal(problem, settings) from None
    views = {str(view) for (view,) in rows}
    wanted = name.removeprefix("daehwa.")
    if wanted in views:
        return wanted
    if not views:
        raise Refusal("the archive has no views yet: run `daehwa migrate`")
    near = difflib.get_close_matches(wanted, sorted(views), n=3)
    meant = f"did you mean {' or '.join(near)}?" if near else "docs/reference/sql.md has them all"
    raise Refusal(f"no view {name!r}: {meant}")
