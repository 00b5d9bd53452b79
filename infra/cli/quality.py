"""`daehwa quality`: data-quality findings."""

import json
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.table import Table

from infra.cli.asking import ask
from infra.cli.printing import plain_console
from streams.quality.findings import CHECKS


def quality(
    days: Annotated[int, typer.Option(help="Of the last so many days.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """Show data-quality findings by source and check, with examples.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. Example: daehwa quality --days 30
    """
    answer = ask("/v1/quality?" + urlencode({"days": days}))
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    table = Table("source", "check", "events", "customers", "last day", "what it finds", "examples")
    for row in answer["findings"]:
        table.add_row(
            row["source"],
            row["check"],
            str(row["events"]),
            str(row["customers"]),
            row["last_day"],
            CHECKS.get(row["check"], ""),
            " ".join(row["examples"]),
        )
    plain_console().print(table)
    _show_names(answer.get("names", []))
    if not answer["findings"]:
        typer.echo("nothing doubtful")


def _show_names(names: list[dict[str, Any]]) -> None:
    """The event names of which events are in no dialogue."""
    if not names:
        return
    table = Table("event or code", "events", "in no dialogue", "looks like")
    for row in names:
        share = f"{row['in_no_dialogue']} ({row['share']:.0%})"
        table.add_row(row["name"], str(row["events"]), share, row["looks_like"] or "")
    plain_console().print(table)
