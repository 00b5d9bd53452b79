"""`daehwa send FILE`: events that need no mapping."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.sending_file import Import, opened, send_file, show_first
from infra.importing.ready_events import ReadyEvents
from schemas.mapping import EventRule, Mapping

_NAME = "send"


def send(
    file: Annotated[Path, typer.Argument(help="NDJSON, gzip too.")],
    state: Annotated[Path | None, typer.Option(help="Where to go on; FILE.state.")] = None,
    rejected: Annotated[Path | None, typer.Option(help="Lines not taken; FILE.rejected.")] = None,
    dry_run: Annotated[
        int, typer.Option("--dry-run", min=0, help="Only show the first so many events.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Progress as JSON lines.")] = False,
) -> None:
    """Send a file of events, one JSON object a line: items of the tracking protocol, or contacts.

    May be stopped at any time: the same command goes on where it was. Needs DAEHWA_URL and
    DAEHWA_WRITE_KEY, and DAEHWA_API_TOKEN for contacts. Example: daehwa send events.ndjson
    """
    mapping = Mapping(version=1, name=_NAME, reads="json", events=(EventRule(fields={}),))
    records = opened(file, mapping)
    maps = ReadyEvents()
    if dry_run:
        show_first(records, maps, dry_run)
    job = Import(records, maps, _NAME, ("track",))
    send_file(file, job, state=state, rejected=rejected, as_json=as_json)
