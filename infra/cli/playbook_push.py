"""`daehwa playbook push FILE` and `daehwa playbook history`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from infra.cli.asking import api_address, ask, message_of, no_answer, operator
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal
from infra.dry_run.question import MAX_EVENTS, USUAL_EVENTS
from infra.dry_run.running import MAX_S


def push(
    file: Annotated[Path, typer.Argument(help="The playbook, YAML.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would have decided.")
    ] = False,
    events: Annotated[
        int, typer.Option(min=1, max=MAX_EVENTS, help="How many of the latest events to try.")
    ] = USUAL_EVENTS,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, do not try first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """Put a playbook in force without a restart: it decides on all events accepted afterwards. A
    dry run on the latest events comes first, with a question. Needs DAEHWA_URL and
    DAEHWA_API_TOKEN. Example: daehwa playbook push playbook.yaml --dry-run
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise Refusal(f"{file} cannot be read: {problem}") from None
    if dry_run:
        found = _tried(text, file, events)
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
        else:
            _show(plain_console(), found)
        return
    standing = ask("/v1/playbook")["version"]
    if not yes:
        if not sys.stdin.isatty():
            raise Refusal("no terminal for the question: add --yes, or --dry-run to change nothing")
        _show(plain_console(stderr=True), _tried(text, file, events))
        typer.confirm("Put it in force?", abort=True, err=True)
    adopted = _adopted(text, file, standing)
    if as_json:
        typer.echo(json.dumps({name: adopted[name] for name in ("version", "since", "by")}))
    else:
        typer.echo(f"{file}: version {adopted['version']} is in force, before it was {standing}")


def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the latest.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show the history of playbooks: version, time, author.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. Example: daehwa playbook history
    """
    for adopted in ask(f"/v1/playbook/history?limit={limit}")["playbooks"]:
        if as_json:
            typer.echo(json.dumps(adopted, ensure_ascii=False))
        else:
            typer.echo(f"{adopted['since']}  {adopted['version']}  {adopted['by']}")


def _adopted(text: str, file: Path, standing: str) -> dict[str, Any]:
    url, headers = api_address()
    try:
        answer = httpx.put(
            f"{url}/v1/playbook",
            params={"by": operator()},
            headers={**headers, "If-Match": f'"{standing}"'},
            content=text.encode(),
            timeout=60,
        )
    except httpx.HTTPError as problem:
        raise no_answer(url, problem) from None
    if answer.status_code != 200:
        raise Refusal(_why(answer, file))
    adopted: dict[str, Any] = answer.json()
    return adopted


def _tried(text: str, file: Path, events: int) -> dict[str, Any]:
    url, headers = api_address()
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    said: dict[str, Any] = {}
    try:
        with (
            progress,
            httpx.stream(
                "POST",
                f"{url}/v1/playbook/dry-run",
                params={"events": events},
                headers={**headers, "Accept": "application/x-ndjson"},
                content=text.encode(),
                timeout=httpx.Timeout(30, read=MAX_S),
            ) as answer,
        ):
            if answer.status_code != 200:
                answer.read()
                raise Refusal(_why(answer, file))
            task = progress.add_task("trying", total=None)
            for line in answer.iter_lines():
                said = json.loads(line)
                if "done" in said:
                    progress.update(task, completed=said["done"], total=said["total"])
    except httpx.HTTPError as problem:
        raise no_answer(url, problem) from None
    if "current" not in said:
        raise Refusal(said.get("message", "the dry run broke off"))
    return said


def _why(answer: httpx.Response, file: Path) -> str:
    try:
        errors = answer.json().get("errors", [])
    except ValueError:
        errors = []
    lines = [f"{file}:{e['line']}:{e['column']}: {e['message']}" for e in errors]
    return "\n".join(lines) or message_of(answer)


def _show(console: Console, found: dict[str, Any]) -> None:
    current, new = found["current"], found["new"]
    if not found["events"]:
        console.print("The archive holds no events to try it on.")
        return
    console.print(
        f"On the latest {found['events']:,} events ({found['first_at']} to {found['last_at']}), "
        f"beginning with empty profiles: this version would have fired {new['fired']:,} times for "
        f"{new['customers']:,} customers, the current one ({current['version']}) "
        f"{current['fired']:,} times for {current['customers']:,}.",
        highlight=False,
    )
    table = Table("trigger", "fires", "for", "now fires", "for", "held back")
    for rule in dict.fromkeys((*new["rules"], *current["rules"])):
        mine, theirs = new["rules"].get(rule), current["rules"].get(rule)
        held = (mine or {}).get("suppressed", {})
        table.add_row(
            rule, *_counts(mine), *_counts(theirs),
            ", ".join(f"{reason} {count}" for reason, count in sorted(held.items())),
        )  # fmt: skip
    console.print(table)
    for one in new["examples"]:
        console.print(
            f"{one['decided_at']} {one['rule']} {one['customer_id']}: {one['reason']}",
            highlight=False,
        )


def _counts(tally: dict[str, Any] | None) -> tuple[str, str]:
    return ("-", "-") if tally is None else (f"{tally['fired']:,}", f"{tally['customers']:,}")
