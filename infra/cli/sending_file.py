"""Sends a file to the API until its end or Ctrl-C; shared by `daehwa import` and `daehwa send`."""

import asyncio
import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import httpx
import typer

from infra.cli.asking import api_url
from infra.cli.refusal import Refusal, settings_or_refusal
from infra.importing.batches import Maps, events_of
from infra.importing.checkpoint import Checkpoint, CheckpointFile, OtherFileError
from infra.importing.importing import IN_FLIGHT, Progress, import_records
from infra.importing.opening import FileError
from infra.importing.records import Records
from infra.importing.reporting import Report
from infra.importing.sending import Sender, SendError
from schemas.mapping import Mapping
from streams.mapping.mapping_items import Unmapped

TIMEOUT_S = 60.0
INTERRUPTED = 130


class Import(NamedTuple):
    """How a file is read."""

    records: Records
    maps: Maps
    name: str
    """Of the mapping; a checkpoint of another one is refused."""
    kinds: Collection[str]
    """Of the events, by which the credentials that the API will ask for are known."""


def send_file(
    file: Path, job: Import, *, state: Path | None, rejected: Path | None, as_json: bool
) -> None:
    """Sends the rest of the file; exits with 0, 1 (lines were rejected) or 130 (Ctrl-C).

    Raises `Refusal` where settings are missing, and for a file that cannot be read.
    """
    records = job.records
    settings = settings_or_refusal()
    url = api_url(settings)
    token = settings.api_token.get_secret_value()
    write_key = os.environ.get("DAEHWA_WRITE_KEY") or next(iter(settings.write_keys), "")
    requested = set(job.kinds)
    if "contact" in requested and not token:
        raise Refusal("set DAEHWA_API_TOKEN to the token of the API: contacts need it")
    if requested - {"contact"} and not write_key:
        raise Refusal("set DAEHWA_WRITE_KEY to a write key: events need it")
    kept = CheckpointFile(state or _beside(file, ".state"), rejected or _beside(file, ".rejected"))
    ended: list[Progress] = []

    async def work(report: Report, checkpoint: Checkpoint) -> None:
        limits = httpx.Limits(max_connections=IN_FLIGHT)
        async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits) as client:
            sender = Sender(client, write_key, token, report.waiting)

            def tell(progress: Progress) -> None:
                ended[:] = [progress]
                report.tell(progress)

            await import_records(records, job.maps, sender, kept, checkpoint, tell)

    try:
        checkpoint = kept.read(records, job.name)
        with Report(file.name, as_json) as report:
            asyncio.run(work(report, checkpoint))
        report.done(ended[0])
    except KeyboardInterrupt:
        line = ended[0].checkpoint.line if ended else 1
        sys.stderr.write(f"daehwa: stopped before line {line}; the same command goes on there\n")
        raise typer.Exit(INTERRUPTED) from None
    except (FileError, SendError, OtherFileError, OSError) as problem:
        raise Refusal(str(problem)) from None
    finally:
        kept.close()
        records.close()
    last = ended[0].checkpoint
    if not as_json:
        said = f"{last.events:,} events of {last.line - 1:,} lines"
        if last.rejected:
            said += f"; {last.rejected:,} rejected, see {kept.rejected_path}"
        typer.echo(said)
    raise typer.Exit(1 if last.rejected else 0)


def show_first(records: Records, maps: Maps, count: int) -> None:
    """Prints the first events instead of sending any; exits with 1 where a line is none."""
    shown = wrong = 0
    try:
        for record in records:
            try:
                found = events_of(record, maps, records.identity)
            except Unmapped as problem:
                wrong += 1
                sys.stderr.write(f"line {record.line}: {problem.detail}\n")
                found = []
            for one in found:
                event = {"type": one.kind, **json.loads(one.body)}
                typer.echo(json.dumps(event, ensure_ascii=False))
            shown += len(found)
            if shown >= count or wrong >= count:
                break
    except FileError as problem:
        raise Refusal(str(problem)) from None
    finally:
        records.close()
    raise typer.Exit(1 if wrong else 0)


def opened(file: Path, mapping: Mapping) -> Records:
    """The file's records. Refusal where it cannot be read."""
    try:
        return Records(file, mapping)
    except FileError as problem:
        raise Refusal(str(problem)) from None


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)
