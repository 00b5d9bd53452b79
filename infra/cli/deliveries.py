"""`daehwa deliveries list|show|replay|endpoints|enable`: deliveries and endpoints."""

import json
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import httpx
import typer
from rich.table import Table

from infra.cli.asking import api_address, ask, message_of, no_answer
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal

deliveries = typer.Typer(no_args_is_help=True, add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
OfEndpoint = Annotated[str | None, typer.Option(help="Only of this endpoint.")]


@deliveries.callback()
def about() -> None:
    """Deliveries and endpoints: pending, given up, and failing endpoints.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. Example: daehwa deliveries list --given-up
    """


@deliveries.command("list")
def list_deliveries(
    endpoint: OfEndpoint = None,
    given_up: Annotated[bool, typer.Option("--given-up", help="Those given up.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List pending or given-up deliveries.

    Example: daehwa deliveries list --given-up
    """
    query = {"status": "given_up" if given_up else "waiting", "limit": str(limit)}
    if endpoint is not None:
        query["endpoint"] = endpoint
    found = ask(f"/v1/deliveries?{urlencode(query)}")["deliveries"]
    _show(found, as_json, ("trigger_id", "endpoint", "attempts", "due_at", "given_up_at", "detail"))


@deliveries.command()
def show(
    trigger_id: Annotated[str, typer.Argument(help="Id of the trigger.")], as_json: AsJson = False
) -> None:
    """Show the deliveries of one trigger.

    Example: daehwa deliveries show trg_276c00ce489199d4b6e3e078d2c6bf83
    """
    found = ask(f"/v1/deliveries/{quote(trigger_id, safe='')}")["deliveries"]
    _show(found, as_json, ("trigger_id", "endpoint", "status", "attempts", "last_at", "detail"))


@deliveries.command()
def replay(
    triggers: Annotated[list[str] | None, typer.Argument(help="Ids of triggers.")] = None,
    given_up: Annotated[
        bool, typer.Option("--given-up", help="Everything that was given up.")
    ] = False,
    endpoint: OfEndpoint = None,
    as_json: AsJson = False,
) -> None:
    """Replay given-up deliveries: those of the named triggers, or all.

    Example: daehwa deliveries replay --given-up --endpoint crm
    """
    if bool(triggers) == given_up:
        raise Refusal("name triggers, or say --given-up for everything that was given up")
    requested: dict[str, Any] = {"triggers": triggers or []}
    if endpoint is not None:
        requested["endpoint"] = endpoint
    replayed = 0
    while True:
        answer = _post("/v1/deliveries/replay", requested)
        replayed += int(answer["replayed"])
        if triggers or not answer["replayed"]:
            break
        # Given up again meanwhile (the endpoint may be disabled): no endless loop.
        requested["given_up_until"] = answer["given_up_until"]
    typer.echo(json.dumps({"replayed": replayed}) if as_json else f"{replayed} are tried again")


@deliveries.command()
def endpoints(as_json: AsJson = False) -> None:
    """Show endpoints and whether they answer.

    Example: daehwa deliveries endpoints
    """
    found = ask("/v1/endpoints")["endpoints"]
    _show(
        found,
        as_json,
        ("name", "kind", "removed", "circuit", "waiting", "failures", "not_before", "detail"),
    )


@deliveries.command()
def enable(name: Annotated[str, typer.Argument(help="Name of the endpoint.")]) -> None:
    """Enable an endpoint that answered 410.

    Example: daehwa deliveries enable crm
    """
    _post(f"/v1/endpoints/{quote(name, safe='')}/enable", {})
    typer.echo(f"{name} is enabled; what was given up meanwhile: daehwa deliveries replay")


def _post(path: str, body: dict[str, Any]) -> Any:
    url, headers = api_address()
    try:
        answer = httpx.post(url + path, headers=headers, json=body, timeout=60)
    except httpx.HTTPError as problem:
        raise no_answer(url, problem) from None
    if answer.status_code != 200:
        raise Refusal(message_of(answer))
    return answer.json()


def _show(found: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        for one in found:
            typer.echo(json.dumps(one, ensure_ascii=False))
        return
    used = [name for name in columns if any(one.get(name) is not None for one in found)]
    table = Table(*used)
    for one in found:
        table.add_row(*(str(one.get(name, "")) for name in used))
    plain_console().print(table if found else "none")
