"""`daehwa archive check`: whether Kafka, ClickHouse and Redis add up."""

import asyncio
import sys
from collections.abc import Iterator
from random import randrange
from typing import Annotated

import msgspec
import typer
from kafka.errors import KafkaError
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from infra.archive_check.check import ArchiveCheck
from infra.archive_check.finding import Finding, Tell, asking
from infra.archive_check.profiles import check_profiles
from infra.archive_check.rows import checked_rows
from infra.cli.archive import PROBLEMS, archive_refusal
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal, settings_or_refusal
from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import ClickHouseRefused, ClickHouseUnavailable
from infra.playbook.playbook_file import PlaybookError, read_playbook
from infra.privacy.archived_rows import Ask, erased_ids
from infra.redis.connecting import redis_client
from infra.settings import Settings
from streams.privacy.erasure import Tombstones

archive = typer.Typer(no_args_is_help=True, add_completion=False)

ANSWER_S = 3_600
"""For one query over the whole archive."""


@archive.callback()
def about() -> None:
    """The archive in ClickHouse: whether it adds up.

    Example: daehwa archive check
    """


@archive.command("check")
def check(
    repair: Annotated[
        bool, typer.Option("--repair", help="Store again what the log has and the archive lost.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON lines.")] = False,
) -> None:
    """Compare Kafka's log, the archive's tables and the profiles: every record that Kafka still has
    is read and looked up, facts are compared with the events, profiles are sampled.

    Exit code 1 when something does not add up. Example: daehwa archive check --json
    """
    settings = settings_or_refusal()
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with progress:
        task = progress.add_task("looking", total=None)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, advance=done, total=total)

        findings = []
        for finding in _findings(settings, tell, repair):
            findings.append(finding)
            if as_json:
                typer.echo(msgspec.json.encode(finding).decode())
    if not as_json:
        _print(findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _findings(settings: Settings, tell: Tell, repair: bool) -> Iterator[Finding]:
    client = open_client(settings, answer_seconds=ANSWER_S)
    try:
        playbook = read_playbook(settings.playbook)
        ask = asking(client)
        tombstones = Tombstones()
        for erasure in erased_ids(ask, 0):
            tombstones.add(erasure)
        rows = checked_rows(playbook, tombstones, settings.region)
        yield from ArchiveCheck(settings, client, rows, tell).run(repair=repair)
        yield asyncio.run(_profiles(settings, ask))
    except PlaybookError as problem:
        raise Refusal(str(problem)) from None
    except (ClickHouseRefused, ClickHouseUnavailable) as problem:
        raise archive_refusal(problem, settings) from None
    except (KafkaError, TimeoutError) as problem:
        raise Refusal(f"Kafka: {problem}") from None
    except RedisError as problem:
        raise Refusal(f"Redis: {problem}") from None
    except PROBLEMS as problem:
        raise archive_refusal(problem, settings) from None
    finally:
        client.disconnect()


async def _profiles(settings: Settings, ask: Ask) -> Finding:
    redis = redis_client(settings)
    try:
        return await check_profiles(ask, redis, settings.partitions, randrange(2**32))  # noqa: S311
    finally:
        await redis.aclose()


def _print(findings: list[Finding]) -> None:
    table = Table("check", "", "finding", "what to do")
    for one in findings:
        found = "\n".join((one.found, *one.examples))
        table.add_row(
            one.check, Text("ok", "green") if one.ok else Text("wrong", "red"), found, one.remedy
        )
    plain_console().print(table)
