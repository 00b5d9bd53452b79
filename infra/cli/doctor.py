"""`daehwa doctor`: checks dependencies and consumer lag."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Annotated

import typer
from clickhouse_driver.errors import Error as ClickHouseError
from kafka.errors import KafkaError
from redis.exceptions import RedisError
from rich.table import Table
from rich.text import Text

from infra.cli.printing import plain_console
from infra.cli.refusal import settings_or_refusal
from infra.clickhouse.connection import open_client
from infra.kafka.lag import group_lag
from infra.kafka.names import ARCHIVE_GROUP, DELIVERY_GROUP, DIALOGUE_GROUP, EVENTS, TRIGGERS
from infra.kafka.topics import KafkaTopicsError, TopicAdmin
from infra.playbook.playbook_file import PlaybookError, read_playbook
from infra.redis.connecting import redis_client
from infra.redis.partition_halts import PartitionHalts
from infra.settings import Settings


class HaltedError(Exception):
    """A halted partition."""


_PROBLEMS = (
    HaltedError,
    KafkaError,
    KafkaTopicsError,
    RedisError,
    ClickHouseError,
    PlaybookError,
    OSError,
    EOFError,
)
_REACH_S = 3.0


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Check the playbook, Kafka, Redis, ClickHouse and the consumer lag of the workers.

    Exit code 1 when something is wrong. Example: daehwa doctor
    """
    settings = settings_or_refusal()
    checks: dict[str, Callable[[Settings], str]] = {
        "playbook": _playbook,
        "kafka": _kafka,
        "redis": lambda s: asyncio.run(_redis(s)),
        "clickhouse": _clickhouse,
        "fold": lambda s: asyncio.run(_fold(s)),
        "dialogue worker": lambda s: _lag(s, DIALOGUE_GROUP, EVENTS),
        "archive worker": lambda s: _lag(s, ARCHIVE_GROUP, EVENTS),
        "delivery worker": lambda s: _lag(s, DELIVERY_GROUP, TRIGGERS),
    }
    findings: list[tuple[str, bool, str]] = []
    with plain_console(stderr=True).status("") as looking:
        for name, check in checks.items():
            looking.update(f"looking at {name}")
            if name.endswith("worker") and not all(
                well for of, well, _ in findings if of == "kafka"
            ):
                findings.append((name, False, "cannot be asked while Kafka does not answer"))
                continue
            try:
                findings.append((name, True, check(settings)))
            except _PROBLEMS as problem:
                findings.append((name, False, _said(problem)))
    if as_json:
        for name, well, finding in findings:
            typer.echo(json.dumps({"check": name, "ok": well, "finding": finding}))
    else:
        table = Table("check", "", "finding")
        for name, well, finding in findings:
            table.add_row(name, Text("ok", "green") if well else Text("wrong", "red"), finding)
        plain_console().print(table)
    if not all(well for _, well, _ in findings):
        raise typer.Exit(1)


def _said(problem: Exception) -> str:
    text = " ".join(str(problem).split("Stack trace:")[0].split())
    return text[:300] or repr(problem)


def _playbook(settings: Settings) -> str:
    return f"{settings.playbook}: {len(read_playbook(settings.playbook).rules)} triggers"


def _kafka(settings: Settings) -> str:
    _reach(settings.kafka_servers)
    admin = TopicAdmin(settings)
    try:
        admin.ensure()
        return f"{settings.kafka_servers}, {settings.partitions} partitions a Kafka topic"
    finally:
        admin.close()


def _reach(servers: str) -> None:
    """Raises `OSError` where no server accepts a connection: the client would retry for half a
    minute."""
    problem: Exception = OSError("DAEHWA_KAFKA_URL names no server")
    for server in servers.split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()
        except (OSError, ValueError) as failed:
            problem = OSError(f"no answer from {server} ({failed}): is DAEHWA_KAFKA_URL right?")
        else:
            return
    raise problem


async def _redis(settings: Settings) -> str:
    client = redis_client(settings)
    try:
        about = await client.info("server")
        memory = await client.info("memory")
        return f"{about['redis_version']}, {memory['used_memory_human']} in use"
    finally:
        await client.aclose()


async def _fold(settings: Settings) -> str:
    client = redis_client(settings)
    try:
        halted = await PartitionHalts(client).read(range(settings.partitions))
    finally:
        await client.aclose()
    for partition, halt in halted.items():
        raise HaltedError(
            f"partition {partition} has stopped at offset {halt.offset}: {halt.reason} "
            f"({halt.problem}); install a version with the fix"
        )
    return "no partition has stopped"


def _clickhouse(settings: Settings) -> str:
    client = open_client(settings)
    try:
        ((version, rows),) = client.execute("SELECT version(), count() FROM daehwa.events")
        return f"{version}, {rows} events archived"
    finally:
        client.disconnect()


def _lag(settings: Settings, group: str, topic: str) -> str:
    return f"{group_lag(settings, group, (topic,))} records behind"
