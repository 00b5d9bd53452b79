"""`daehwa rebuild`: rebuilds dialogue state from the archive."""

import asyncio
import sys
from typing import Annotated

import msgspec
import typer
from kafka.errors import KafkaError
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from infra.cli.refusal import Refusal, settings_or_refusal
from infra.clickhouse.failures import ClickHouseRefused, ClickHouseUnavailable
from infra.playbook.playbook_file import PlaybookError, read_playbook
from infra.rebuilding.loading import StateHeldError
from infra.rebuilding.rebuild import Rebuilt, Tell, WrongPartitionsError, rebuild
from infra.redis.connecting import redis_client
from infra.redis.state_store import FencedError
from infra.settings import Settings


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} events/s" if speed else "")


def rebuild_command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare with Redis and write nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up the state that Redis holds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Rebuild the dialogue state in Redis from the archive in ClickHouse.

    Dialogue workers may run: they wait and go on where the rebuilt state ends. With --dry-run,
    exit code 1 when something differs. Example: daehwa rebuild --dry-run
    """
    settings = settings_or_refusal()
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(),
        TimeRemainingColumn(), console=Console(stderr=True), disable=not sys.stderr.isatty(),
    )  # fmt: skip
    try:
        with progress:
            task = progress.add_task("folding", total=None)

            def tell(events: int, total: int) -> None:
                progress.update(task, advance=events, total=total)

            done = asyncio.run(_rebuild(settings, dry_run, replace, tell))
    except (StateHeldError, WrongPartitionsError, PlaybookError) as problem:
        raise Refusal(str(problem)) from None
    except FencedError:
        raise Refusal("a dialogue worker began to fold meanwhile; run it again") from None
    except (ClickHouseRefused, ClickHouseUnavailable) as problem:
        raise Refusal(f"ClickHouse: {problem}") from None
    except KafkaError as problem:
        raise Refusal(f"Kafka: {problem!r}") from None
    except (RedisError, OSError) as problem:
        raise Refusal(f"Redis: {problem}") from None
    typer.echo(_json(done) if as_json else _words(done))
    if done.different:
        raise typer.Exit(1)


async def _rebuild(settings: Settings, dry_run: bool, replace: bool, tell: Tell) -> Rebuilt:
    playbook = read_playbook(settings.playbook)
    redis = redis_client(settings)
    try:
        return await rebuild(settings, playbook, redis, dry_run=dry_run, replace=replace, tell=tell)
    finally:
        await redis.aclose()


def _json(done: Rebuilt) -> str:
    return msgspec.json.encode(done).decode()


def _words(done: Rebuilt) -> str:
    said = f"{done.profiles} profiles out of {done.events} archived events"
    if done.unarchived:
        said += f"; {done.unarchived} records are neither archived nor in Kafka any more"
    if done.skipped:
        said += (
            f"; {done.skipped} events wait in dead letters: "
            "daehwa dead replay --reason profile_unreadable"
        )
    if done.different is None:
        return said
    lines = [f"{said}: {done.same} are the same in Redis, {done.different} things differ"]
    lines += [f"{d.what} {d.key} (partition {d.partition}): {d.how}" for d in done.first]
    return "\n".join(lines)
