"""Prints texts of customers and operators without interpreting them."""

import os
import sys
from typing import TextIO

from rich.console import Console

_UNBROKEN = 10_000
"""Columns."""


def plain_console(*, stderr: bool = False, file: TextIO | None = None) -> Console:
    """A console without markup: `[red]` in a name is no colour, `[/a]` no mistake and `:cat:` no
    emoji. In a file or a pipe lines are not wrapped, unless COLUMNS is set."""
    stream = file or (sys.stderr if stderr else sys.stdout)
    width = None if stream.isatty() or "COLUMNS" in os.environ else _UNBROKEN
    return Console(markup=False, emoji=False, stderr=stderr, file=file, width=width)
