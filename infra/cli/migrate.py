"""`daehwa migrate`: brings the archive's tables and views up to date."""

from typing import Annotated

import msgspec
import typer

from infra.cli.archive import PROBLEMS, archive_refusal
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal, settings_or_refusal
from infra.clickhouse.connection import open_client
from infra.clickhouse.migrations import (
    DataLossError,
    Migration,
    MigrationChangedError,
    apply,
    pending,
)

NOTHING = "nothing to migrate"


def migrate_command(
    plan: Annotated[
        bool, typer.Option("--plan", help="Show the statements and change nothing.")
    ] = False,
    lose_data: Annotated[
        bool, typer.Option("--lose-data", help="Also apply what may lose stored data.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a migration.")] = False,
) -> None:
    """Apply the archive's new migrations, each once; one that was interrupted goes on.

    Needs DAEHWA_CLICKHOUSE_URL. Example: daehwa migrate --plan
    """
    settings = settings_or_refusal()
    client = open_client(settings)
    try:
        found = pending(client)
        if not plan:
            apply(client, found, may_lose_data=lose_data)
    except (MigrationChangedError, DataLossError) as problem:
        raise Refusal(str(problem)) from None
    except PROBLEMS as problem:
        raise archive_refusal(problem, settings) from None
    finally:
        client.disconnect()
    for migration in found:
        if as_json:
            typer.echo(msgspec.json.encode(_described(migration, not plan)).decode())
        elif plan:
            _show(migration)
        else:
            typer.echo(f"applied {migration.name}")
    if not found and not as_json:
        typer.echo(NOTHING)


def _described(migration: Migration, applied: bool) -> dict[str, object]:
    return {
        "name": migration.name,
        "applied": applied,
        "loses": migration.loses,
        "statements": migration.statements,
    }


def _show(migration: Migration) -> None:
    """The statements as SQL that can be run; what may lose data is said above them."""
    console = plain_console()
    console.print(f"-- {migration.name}", soft_wrap=True)
    if migration.loses:
        console.print(f"-- may lose stored data: {', '.join(migration.loses)}", soft_wrap=True)
    for statement in migration.statements:
        console.print(f"{statement};\n", soft_wrap=True, highlight=False)
