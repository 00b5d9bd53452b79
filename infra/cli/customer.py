"""`daehwa customer ID`: the 360° view of a customer."""

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from infra.cli.asking import ask
from infra.cli.printing import plain_console


def customer(
    customer_id: Annotated[str, typer.Argument(help="Customer id or anonymous id.")],
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """Show everything known about one customer.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. Example: daehwa customer u1
    """
    view = ask(f"/v1/customers/{quote(customer_id, safe='')}")
    if as_json:
        typer.echo(json.dumps(view, ensure_ascii=False))
        return
    console = plain_console()
    console.print(view["customer_id"], style="bold")
    for name in ("traits", "lifecycle", "churn", "value"):
        facts = ", ".join(
            f"{key} {_brief(value)}" for key, value in view[name].items() if value is not None
        )
        console.print(f"{name}: {facts or 'nothing yet'}")
    table = Table("topic", "stage", "furthest", "stages", "channels", "last")
    for topic, dialogue in view["dialogues"].items():
        stages = ", ".join(f"{name} {span['count']}" for name, span in dialogue["stages"].items())
        channels = ", ".join(dialogue["channels"])
        table.add_row(
            topic, dialogue["stage"], dialogue["furthest"], stages, channels, dialogue["last_at"]
        )
    console.print(table)
    for trigger in view["recent_triggers"]:
        said = trigger["reason"] or f"held back ({trigger['suppressed_by']})"
        console.print(f"{trigger['type']}: {said}")


def _brief(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
