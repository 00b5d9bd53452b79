"""The command line: one command a file, imported when called, for a fast start."""

import re
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from infra.cli.refusal import Refusal
from infra.logs import configure_command_logs

COMMANDS = {
    "up": "infra.cli.up:up",
    "run": "infra.cli.run:run",
    "worker": "infra.cli.processes:worker",
    "api": "infra.cli.processes:api",
    "import": "infra.cli.importing:import_file",
    "send": "infra.cli.send:send",
    "customer": "infra.cli.customer:customer",
    "triggers": "infra.cli.triggers:triggers",
    "export": "infra.cli.export:export",
    "forget": "infra.cli.forget:forget",
    "quality": "infra.cli.quality:quality",
    "campaigns": "infra.cli.campaigns:campaigns",
    "archive": "infra.cli.archive_check:archive",
    "migrate": "infra.cli.migrate:migrate_command",
    "sql": "infra.cli.sql:sql",
    "doctor": "infra.cli.doctor:doctor",
    "fit": "infra.cli.fit:fit",
    "rebuild": "infra.cli.rebuild:rebuild_command",
    "playbook": "infra.cli.playbook:playbook",
    "deliveries": "infra.cli.deliveries:deliveries",
    "dead": "infra.cli.dead:dead",
}
"""Command -> the function, or group of commands, that it is."""

_SETTINGS = {
    "run": {"allow_extra_args": True, "ignore_unknown_options": True},
    # An id may begin with a hyphen.
    **{name: {"ignore_unknown_options": True} for name in ("customer", "forget", "export")},
}


class _Commands(TyperGroup):
    """Imports a command when it is called, and all of them only for `--help`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Names for the list, and for suggestions.
        unread: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = {**unread, **self.commands}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, name = COMMANDS[cmd_name].split(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name, context_settings=_SETTINGS.get(cmd_name))(found)
            found = alone
        command = get_command(found)
        command.name = cmd_name
        for one in (command, *getattr(command, "commands", {}).values()):
            one.help = _flowing(one.help or "")
        return command


def _flowing(text: str) -> str:
    """A docstring without the line breaks of its source; the example on a line of its own."""
    apart = re.sub(r"\s*\b(Example: )", r"\n\n\1", text)
    return "\n\n".join(" ".join(part.split()) for part in apart.split("\n\n"))


app = typer.Typer(
    name="daehwa",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def about() -> None:
    """Daehwa: every customer dialogue, folded as it happens.

    Example: daehwa up --demo
    """


def main() -> None:
    """The `daehwa` command: exit code 2 and one sentence on a mistake."""
    configure_command_logs()
    try:
        app()
    except Refusal as refusal:
        sys.stderr.write(f"daehwa: {refusal}\n")
        sys.exit(2)
