"""`daehwa playbook check FILE`."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.refusal import Refusal
from infra.playbook_file import PlaybookError, read_playbook

playbook = typer.Typer(help="The playbook: topics, stages, triggers.", no_args_is_help=True)


@playbook.callback()
def about() -> None:
    """The playbook: topics, stages, triggers."""


@playbook.command()
def check(file: Annotated[Path, typer.Argument(help="The playbook, YAML.")]) -> None:
    """Check a playbook; a mistake is told with its line.

    Example: daehwa playbook check playbook.yaml
    """
    try:
        book = read_playbook(file)
    except PlaybookError as problem:
        raise Refusal(str(problem)) from None
    typer.echo(f"{file}: in order, {len(book.by_name)} triggers")
