"""Prints for people what customers and operators have written."""

from rich.console import Console


def plain_console(*, stderr: bool = False) -> Console:
    """A console that takes texts as they are: `[red]` in a name is no colour, `[/a]` no mistake and
    `:cat:` no picture."""
    return Console(markup=False, emoji=False, stderr=stderr)
