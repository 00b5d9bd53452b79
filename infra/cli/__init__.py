"""The command line: one command a file."""

import sys

import typer

from infra.cli.campaigns import campaigns
from infra.cli.customer import customer
from infra.cli.dead import dead
from infra.cli.deliveries import deliveries
from infra.cli.doctor import doctor
from infra.cli.fit import fit
from infra.cli.importing import import_file
from infra.cli.playbook import playbook
from infra.cli.playbook_push import history, push
from infra.cli.privacy import export, forget
from infra.cli.processes import api, worker
from infra.cli.quality import quality
from infra.cli.rebuild import rebuild_command
from infra.cli.refusal import Refusal
from infra.cli.run import run
from infra.cli.send import send
from infra.cli.sql import sql
from infra.cli.triggers import triggers
from infra.cli.up import up
from infra.logs import configure_command_logs

app = typer.Typer(
    name="daehwa",
    help="Daehwa: every customer dialogue, folded as it happens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(up)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(run)
app.command()(worker)
app.command()(api)
app.command("import")(import_file)
app.command()(send)
app.command()(customer)
app.command()(triggers)
app.command()(export)
app.command()(forget)
app.command()(quality)
app.command()(campaigns)
app.command()(sql)
app.command()(doctor)
app.command()(fit)
app.command("rebuild")(rebuild_command)
playbook.command()(push)
playbook.command()(history)
app.add_typer(playbook, name="playbook")
app.add_typer(deliveries, name="deliveries")
app.add_typer(dead, name="dead")


def main() -> None:
    """The `daehwa` command: exit code 2 and one sentence where something is wrong."""
    configure_command_logs()
    try:
        app()
    except Refusal as refusal:
        sys.stderr.write(f"daehwa: {refusal}\n")
        sys.exit(2)
