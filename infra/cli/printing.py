"""Prints for people what customers and operators have written."""

import os
import sys

from rich.console import Console

_UNBROKEN = 10_000
"""Columns."""


def plain_console(*, stderr: bool = False) -> Console:
    """A console that takes texts as they are: `[red]` in a name is no colour, `[/a]` no mistake and
    `:cat:` no picture. In a file or a pipe no line is cut or broken, unless COLUMNS says so."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _UNBROKEN
    return Console(markup=False, emoji=False, stderr=stderr, width=width)
