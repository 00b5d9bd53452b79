"""`daehwa dead list|show|replay`: dead letters and their replay."""

import json
import sys
from collections import Counter
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra.cli.asking import api_address, ask, message_of, operator
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal

dead = typer.Typer(no_args_is_help=True, add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of words.")]
Reason = Annotated[str | None, typer.Option(help="Only of this reason.")]
State = Annotated[str, typer.Option(help="open, replayed or discarded.")]
Since = Annotated[datetime | None, typer.Option(help="Found then or later (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Found before (UTC).")]
Origin = Annotated[str | None, typer.Option(help="What the origin begins with.")]

_MAX_S = 300
"""Seconds for one page of a replay."""


@dead.callback()
def about() -> None:
    """Dead letters: events that could not be folded, replayed after a fix.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. docs/how-to/dead-letters.md lists the reasons.
    Example: daehwa dead list
    """


@dead.command("list")
def list_letters(
    reason: Reason = None,
    state: State = "open",
    since: Since = None,
    until: Until = None,
    origin: Origin = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the latest first.

    Example: daehwa dead list --reason invalid_event --origin collector:shop
    """
    query = _filters(reason, state, since, until, origin) | {"limit": str(limit)}
    if cursor is not None:
        query["cursor"] = cursor
    found = ask(f"/v1/dead-letters?{urlencode(query)}")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    table = Table("id", "reason", "found", "origin", "what is wrong")
    for one in found["dead_letters"]:
        table.add_row(one["id"], one["reason"], one["at"], one["origin"], one["detail"])
    plain_console().print(table if found["dead_letters"] else "none")
    if found["next"]:
        typer.echo(f"there are more: --cursor {found['next']}", err=True)


@dead.command()
def show(letter: Annotated[str, typer.Argument(help="Its id.")], as_json: AsJson = False) -> None:
    """Show one dead letter: reason, origin, state and payload.

    Example: daehwa dead show dead_276c00ce489199d4b6e3e078d2c6bf83
    """
    found = ask(f"/v1/dead-letters/{quote(letter, safe='')}")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    payload, batch = found.pop("payload"), found.pop("batch")
    for name, value in found.items():
        if value is not None:
            typer.echo(f"{name + ':':14}{value}")
    for name, read in (("batch", batch), ("payload", payload)):
        for kind, value in (read or {}).items():
            text = json.dumps(value, indent=2, ensure_ascii=False) if kind == "json" else value
            typer.echo(f"\n{name} ({kind}):\n{text}")


@dead.command()
def replay(
    letters: Annotated[list[str] | None, typer.Argument(help="Ids; none: all that fit.")] = None,
    reason: Reason = None,
    state: State = "open",
    since: Since = None,
    until: Until = None,
    origin: Origin = None,
    policy: Annotated[
        str, typer.Option(help="What would be dead again: keep it open, or discard it.")
    ] = "keep",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replay dead letters after a fix of playbook or code, each once.

    Exit code 1 when some would be dead again and stay open.
    Example: daehwa dead replay --reason fold_failed --dry-run
    """
    letter_filter = {
        **_filters(reason, state, since, until, origin),
        "ids": letters or [],
        "policy": policy,
        "dry_run": dry_run,
        "by": operator(),
    }
    done = _replayed(letter_filter)
    if as_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
    else:
        _say(done, dry_run)
    if done["kept"]:
        raise typer.Exit(1)


def _replayed(letter_filter: dict[str, Any]) -> dict[str, Any]:
    sums: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    failures: list[dict[str, Any]] = []
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with progress:
        task = progress.add_task("replaying", total=None)
        after: str | None = ""
        while after is not None:
            page = _post({**letter_filter, "after": after})
            if "total" in page:
                progress.update(task, total=page["total"])
            for name in ("replayed", "already", "kept", "discarded"):
                sums[name] += page[name]
            for name, counts in page["reasons"].items():
                reasons.setdefault(name, Counter()).update(counts)
            failures = (failures + page["failures"])[:20]
            progress.update(task, advance=page["replayed"] + page["kept"] + page["discarded"])
            after = page["next"]
    return {
        **{name: sums[name] for name in ("replayed", "already", "kept", "discarded")},
        "reasons": {name: dict(counts) for name, counts in reasons.items()},
        "failures": failures,
    }


def _say(done: dict[str, Any], dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    if not done["reasons"]:
        typer.echo("no letter fits")
    for reason, counts in sorted(done["reasons"].items()):
        parts = ", ".join(f"{count} {would}{became}" for became, count in sorted(counts.items()))
        typer.echo(f"{reason}: {parts}")
    if done["already"]:
        typer.echo(f"of these {done['already']} were on the log already: nothing was sent for them")
    for one in done["failures"]:
        typer.echo(f"  {one['id']}: {one['reason']}: {one['detail']}")


def _filters(
    reason: str | None,
    state: str,
    since: datetime | None,
    until: datetime | None,
    origin: str | None,
) -> dict[str, Any]:
    found = {
        "reason": reason,
        "state": state,
        "since": since and since.isoformat() + "Z",
        "until": until and until.isoformat() + "Z",
        "origin": origin,
    }
    return {name: value for name, value in found.items() if value is not None}


def _post(body: dict[str, Any]) -> dict[str, Any]:
    url, headers = api_address()
    try:
        answer = httpx.post(
            f"{url}/v1/dead-letters/replay", headers=headers, json=body, timeout=_MAX_S
        )
    except httpx.HTTPError as problem:
        raise Refusal(f"no answer from {url}: {problem}; a repetition is safe") from None
    if answer.status_code != 200:
        raise Refusal(message_of(answer))
    found: dict[str, Any] = answer.json()
    return found
