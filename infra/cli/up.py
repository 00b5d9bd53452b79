"""`daehwa up`: everything, in the foreground."""

import asyncio
import os
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.console import Console

from infra.cli.running import run_stack, settings_with_keys
from infra.embedded.stack import Stack, environment_of


def up(
    data: Annotated[
        Path | None, typer.Option(help="Keep the data in this folder (else it is temporary).")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="A shop, shoppers and real purchase histories.")
    ] = False,
) -> None:
    """Start everything on this machine and keep it running until Ctrl-C.

    Services whose URL is set (DAEHWA_KAFKA_URL, DAEHWA_REDIS_URL, DAEHWA_CLICKHOUSE_URL) are
    used as they are, the others are started embedded.

    Example: daehwa up --data ./data --port 8080
    """
    console = Console(stderr=True)
    settings = settings_with_keys(data)
    update: dict[str, object] = {"demo": settings.demo or demo}
    if port is not None:
        update["port"] = port
    settings = settings.model_copy(update=update)

    async def work(stack: Stack) -> int:
        _greet(console, stack)
        if demo:
            from infra.demo.show import show  # noqa: PLC0415 - only the demo needs it

            await show(stack)
        await asyncio.Event().wait()
        return 0

    code = run_stack(settings, data, work, lambda line: console.print(line, style="dim"))
    sys.exit(0 if code == 130 else code)


def _greet(console: Console, stack: Stack) -> None:
    settings = stack.settings
    token = settings.api_token.get_secret_value()
    if not settings.demo:  # the demo's own view begins with these
        console.print(f"first page    {stack.url}/#token={token}", soft_wrap=True)
        console.print(f"API           {stack.url}/docs")
    write_key = next(iter(settings.write_keys))
    console.print(f"collector     {stack.url}/v1/batch  (write key {write_key})")
    console.print(f"Kafka         {settings.kafka_url}")
    console.print(f"Redis         {settings.redis_url}")
    console.print(f"ClickHouse    {settings.clickhouse_url} {stack.clickhouse_http_url}")
    if stack.dashboard_url:
        console.print(f"for dashboards  {stack.dashboard_url}  (reads only)", soft_wrap=True)
    console.print(f"logs          {stack.logs}")
    if "DAEHWA_API_TOKEN" not in os.environ:
        console.print(f"API token     {token}", soft_wrap=True)
    variables = {"DAEHWA_URL": stack.url, "DAEHWA_WRITE_KEY": write_key}
    environment = environment_of(settings)
    for name in ("API_TOKEN", "KAFKA_URL", "REDIS_URL", "CLICKHOUSE_URL"):
        if f"DAEHWA_{name}" not in os.environ:
            variables[f"DAEHWA_{name}"] = environment[f"DAEHWA_{name}"]
    told = " ".join(f"{name}={quote(value)}" for name, value in variables.items())
    console.print(f"\nfor the commands, in another shell:\nexport {told}\n", soft_wrap=True)
