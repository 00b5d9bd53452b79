"""`daehwa fit`: fits models of churn and value to the archive."""

import asyncio
import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.cli.archive import PROBLEMS, archive_refusal
from infra.cli.refusal import Refusal, settings_or_refusal
from infra.clickhouse.connection import open_client
from infra.kafka.definitions import ReplacedError
from infra.kafka.log_writer import KafkaUnavailable
from infra.playbook.playbook_file import PlaybookError, read_playbook
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.fitting.run import Found

ANSWER_SECONDS = 900
"""Time-out of the query over a large archive."""


def fit(
    until: Annotated[
        str,
        typer.Option(help="Last day (YYYY-MM-DD, UTC) to learn from; what came after it tests."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Fit and print, publish nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was found as JSON.")] = False,
) -> None:
    """Fit the models of churn and value to the archive, and publish them to the workers.

    Refuses with too little data. Example: daehwa fit --dry-run
    """
    # scipy takes a second to load, and no other command needs it.
    from infra.fitting.run import NothingToFitError, fit_archive  # noqa: PLC0415

    settings = settings_or_refusal()
    last = _day(until)
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(), console=Console(stderr=True), disable=not sys.stderr.isatty(),
    )  # fmt: skip
    client = open_client(settings, answer_seconds=ANSWER_SECONDS)
    try:
        playbook = read_playbook(settings.playbook).source
        with progress:
            task = progress.add_task("reading customers", total=None)

            def tell(step: str, customers: int) -> None:
                progress.update(task, description=step, completed=customers)

            found = fit_archive(client, playbook, last, tell)
    except (NothingToFitError, PlaybookError) as problem:
        raise Refusal(str(problem)) from None
    except PROBLEMS as problem:
        raise archive_refusal(problem, settings) from None
    finally:
        client.disconnect()
    version = None if dry_run else _publish(settings, found)
    typer.echo(_json(found, version) if as_json else _words(found, version))


def _publish(settings: Settings, found: "Found") -> str:
    from infra.fitting.publishing import publish_models  # noqa: PLC0415

    try:
        return asyncio.run(publish_models(settings, found.fit.models)).version
    except KafkaUnavailable as problem:
        raise Refusal(f"fitted, but not published: {problem}") from None
    except ReplacedError as problem:
        raise Refusal(f"fitted, but not published: {problem}") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refusal(f"--until wants a day such as 1997-09-30, not {text!r}") from None


def _json(found: "Found", version: str | None) -> str:
    return msgspec.json.encode(
        {"published": version, "until": found.until, "seconds": round(found.seconds, 3),
         **msgspec.structs.asdict(found.fit)}
    ).decode()  # fmt: skip


def _words(found: "Found", version: str | None) -> str:
    fit = found.fit
    m = fit.models.churn
    lines = [
        f"{fit.customers} customers, {fit.repeat_buyers} repeat buyers, {fit.weeks:.1f} weeks "
        f"until {found.until}, {found.seconds:.1f} s",
        f"BG/NBD       r {m.r:.3f}  alpha {m.alpha:.3f}  a {m.a:.3f}  b {m.b:.3f}  "
        f"log-likelihood {fit.log_likelihood:.1f}",
    ]
    for currency, g in fit.models.value.spend.items():
        lines.append(
            f"Gamma-Gamma  p {g.p:.2f}  q {g.q:.2f}  gamma {g.gamma:.2f}  "
            f"({fit.spenders[currency]} repeat buyers in {currency or 'no currency'})"
        )
    held = fit.hold_out
    if held is None:
        lines.append("no hold-out check: half of the time is too little to fit a model to")
    else:
        lines.append(
            f"{held.weeks:.1f} weeks after: {held.predicted:.0f} repeat purchase days predicted, "
            f"{held.actual} happened ({held.predicted / max(1, held.actual) - 1:+.1%})"
        )
        lines += [
            f"  {x}{'+' if x == held.by_purchases[-1][0] else ' '} before: {count} customers, "
            f"{predicted:.2f} predicted, {actual:.2f} each"
            for x, count, predicted, actual in held.by_purchases
        ]
    lines.append("not published" if version is None else f"published as model.churn {version}")
    return "\n".join(lines)
