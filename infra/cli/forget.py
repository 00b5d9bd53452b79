"""`daehwa forget ID`: erases a customer."""

import json
import time
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from infra.cli.asking import api_address, message_of, no_answer
from infra.cli.refusal import Refusal

LOOK_EVERY_S = 0.5


def forget(
    customer_id: Annotated[str, typer.Argument(help="Customer id or anonymous id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait until it is gone everywhere; 0: do not wait.")
    ] = 60,
) -> None:
    """Erase a customer everywhere, with every id that was merged into it.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. Example: daehwa forget u1 --yes
    """
    api_address()  # refusals come before the question
    if not yes:
        typer.confirm(f"Erase everything held on {customer_id!r}? It cannot be undone", abort=True)
    answer = _ask("DELETE", f"/v1/customers/{quote(customer_id, safe='')}", 202)
    pending = _waited(answer["ids"], wait) if wait > 0 else list(answer["ids"])
    if as_json:
        typer.echo(json.dumps({**answer, "pending": pending}, ensure_ascii=False))
    else:
        for one in answer["ids"]:
            typer.echo(f"{one}: {'on its way' if one in pending else 'erased'}")
    if wait > 0 and pending:
        raise Refusal(
            f"not erased everywhere after {wait:g} s; the erasure continues, check again later"
        )


def _waited(ids: list[str], seconds: float) -> list[str]:
    """The ids that are not erased everywhere yet."""
    until = time.monotonic() + seconds
    pending = list(ids)
    while pending:
        pending = [one for one in pending if not _is_erased(one)]
        if not pending or time.monotonic() > until:
            break
        time.sleep(LOOK_EVERY_S)
    return pending


def _is_erased(customer_id: str) -> bool:
    state = _ask("GET", f"/v1/customers/{quote(customer_id, safe='')}/erasure", 200, 404)
    return (state.get("profile"), state.get("archive")) == ("erased", "erased")


def _ask(method: str, path: str, *expected: int) -> Any:
    url, headers = api_address()
    try:
        answer = httpx.request(method, url + path, headers=headers, timeout=60)
    except httpx.HTTPError as problem:
        raise no_answer(url, problem) from None
    if answer.status_code not in expected:
        raise Refusal(message_of(answer))
    return answer.json()
