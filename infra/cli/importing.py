"""`daehwa import FILE --map MAP`: files of other systems."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.refusal import Refusal, settings_or_refusal
from infra.cli.sending_file import Import, opened, send_file, show_first
from infra.sources.mapping_file import SHIPPED, MappingError, MappingFile, read_mapping
from infra.sources.our_numbers import our_numbers
from streams.mapping.mapping_items import Mapper
from streams.playbook.suggestions import choices


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or .xlsx; gzip and zip too.")],
    map_: Annotated[str, typer.Option("--map", help="A mapping file, or the name of one.")],
    encoding: Annotated[str | None, typer.Option(help="utf-8, cp949, utf-16, …")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between columns: ; or tab")] = None,
    zone: Annotated[str | None, typer.Option(help="Of times without one: Asia/Seoul.")] = None,
    region: Annotated[str | None, typer.Option(help="Of national telephone numbers: KR.")] = None,
    state: Annotated[Path | None, typer.Option(help="Where to go on; FILE.state.")] = None,
    rejected: Annotated[Path | None, typer.Option(help="Lines not taken; FILE.rejected.")] = None,
    dry_run: Annotated[
        int, typer.Option("--dry-run", min=0, help="Only show the first so many events.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Progress as JSON lines.")] = False,
) -> None:
    """Import a file of another system, line by line, as its mapping says.

    May be stopped at any time: the same command goes on where it was. Needs DAEHWA_URL, and
    DAEHWA_API_TOKEN (contacts) or DAEHWA_WRITE_KEY (other events). Exit code 1 where lines were
    rejected. Example: daehwa import calls.csv --map asterisk-cdr --zone Asia/Seoul
    """
    mark = _DELIMITERS.get(delimiter.lower(), delimiter) if delimiter is not None else None
    given = {"encoding": encoding, "delimiter": mark, "zone": zone, "region": region}
    changes = {name: value for name, value in given.items() if value is not None}
    found = _mapping(map_, changes)
    mapping = found.mapping.source
    if mapping.reads == "form":
        raise Refusal(f"{map_} is for webhooks: it reads forms, not files")
    records = opened(file, mapping)
    maps = Mapper(found.mapping)
    if mapping.reads == "csv":
        try:
            found.check_columns(records.columns, records.ambiguous)
        except MappingError as problem:
            raise Refusal(str(problem) + _other_delimiter(records.columns)) from None
    if dry_run:
        show_first(records, maps, dry_run)
    job = Import(records, maps, mapping.name, found.mapping.kinds)
    send_file(file, job, state=state, rejected=rejected, as_json=as_json)


_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
"""Words for delimiters that are hard to write on a command line."""


def _other_delimiter(columns: Sequence[str]) -> str:
    """What to say where the header looks like several columns in one."""
    if len(columns) != 1:
        return ""
    for mark, word in ((";", ";"), ("\t", "tab"), ("|", "pipe"), (",", ",")):
        if mark in columns[0]:
            return f"\nthe header is one column with {word} in it: try --delimiter '{word}'"
    return ""


def _mapping(named: str, changes: dict[str, str]) -> MappingFile:
    settings = settings_or_refusal()
    path = Path(named)
    folders = [folder for folder in (settings.sources, SHIPPED) if folder is not None]
    if not path.is_file():
        ready = [folder / f"{named}.yaml" for folder in folders]
        path = next((one for one in ready if one.is_file()), path)
    if not path.is_file():
        names = sorted(one.stem for folder in folders for one in folder.glob("*.yaml"))
        raise Refusal(f"there is no mapping {named}; {choices(named, names)}")
    try:
        return read_mapping(path, settings.region, our_numbers(settings), **changes)
    except MappingError as problem:
        raise Refusal(str(problem)) from None
