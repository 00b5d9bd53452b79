"""`daehwa triggers [--follow]`: triggers with their reasons."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.text import Text

from infra.cli.asking import api_address, ask, message_of
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal


def triggers(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they fire.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many of the latest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show the latest triggers, with their reasons.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. Example: daehwa triggers --follow
    """
    console = plain_console()
    latest = ask(f"/v1/triggers?limit={limit}")
    shown = latest["triggers"] if isinstance(latest, dict) else latest
    for trigger in shown if follow else reversed(shown):
        if not follow:
            _show(console, trigger, as_json)
    if not follow:
        return
    url, headers = api_address()
    try:
        with httpx.stream(
            "GET",
            f"{url}/v1/triggers/stream",
            headers=headers,
            timeout=httpx.Timeout(10, read=60),
        ) as answer:
            if answer.status_code != 200:
                answer.read()
                raise Refusal(message_of(answer))
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    _show(console, json.loads(line[5:]), as_json)
    except httpx.HTTPError as problem:
        raise Refusal(f"the stream of {url} was interrupted: {problem}") from None
    except KeyboardInterrupt:
        return


def _show(console: Console, trigger: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(trigger, ensure_ascii=False))
    else:
        console.print(trigger_line(trigger), soft_wrap=True)


def trigger_line(trigger: dict[str, Any]) -> Text:
    """One trigger as text: time, type, customer, reason."""
    at = trigger["decided_at"]
    moment = (
        datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S") if isinstance(at, int) else at
    )
    return Text.assemble(
        (f"{moment} ", "dim"),
        (f"{trigger['type']:<14}", "bold cyan"),
        (f" {trigger['customer_id']} ", "bold"),
        trigger["reason"],
    )
