"""`daehwa playbook check FILE` and `daehwa playbook schema`."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from infra.cli.playbook_push import history, push
from infra.playbook.json_schema import schema_text
from infra.playbook.playbook_file import PlaybookError, read_playbook
from streams.playbook.notes import notes

playbook = typer.Typer(no_args_is_help=True, add_completion=False)
playbook.command()(push)
playbook.command()(history)


@playbook.callback()
def about() -> None:
    """The playbook: topics, stages, segments, triggers.

    Example: daehwa playbook check playbook.yaml
    """


@playbook.command()
def check(
    file: Annotated[Path, typer.Argument(help="The playbook, YAML.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check a playbook; every mistake is told with its line and column.

    Example: daehwa playbook check playbook.yaml
    """
    try:
        compiled = read_playbook(file)
    except PlaybookError as problem:
        if as_json:
            found = {"file": str(file), "in_order": False, "mistakes": problem.mistakes}
            typer.echo(msgspec.json.encode(found).decode())
        else:  # as compilers do, so that editors can jump to it
            typer.echo(str(problem), err=True)
        raise typer.Exit(2) from None
    if as_json:
        answer = {
            "file": str(file), "in_order": True, "mistakes": [], "version": compiled.version,
            "triggers": len(compiled.rules), "segments": len(compiled.segments), "notes":
            notes(compiled),
        }  # fmt: skip
        typer.echo(msgspec.json.encode(answer).decode())
        return
    counted = f"{len(compiled.rules)} triggers"
    if compiled.segments:
        counted += f", {len(compiled.segments)} segments"
    typer.echo(f"{file}: in order, {counted}, version {compiled.version}")
    for note in notes(compiled):
        typer.echo(f"note: {note}")


@playbook.command()
def schema() -> None:
    """Print the JSON Schema of playbooks, for editors.

    Example: daehwa playbook schema > playbook.schema.json
    """
    typer.echo(schema_text(), nl=False)
