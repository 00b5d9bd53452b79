"""`daehwa run -- CMD`: the whole stack for as long as a command runs."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.refusal import Refusal
from infra.cli.running import run_stack, settings_with_keys
from infra.embedded.stack import Stack, environment_of

_LAST_SECONDS = 10.0
"""Grace period of the command after a signal."""


def run(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="Keep the data here instead of a temporary folder.")
    ] = None,
) -> None:
    """Start everything on free ports, run a command, stop everything.

    The command finds DAEHWA_URL, DAEHWA_WRITE_KEY, DAEHWA_API_TOKEN, DAEHWA_KAFKA_URL,
    DAEHWA_REDIS_URL and DAEHWA_CLICKHOUSE_URL in its environment; its exit code is returned.

    Example: daehwa run -- python my_test.py
    """
    command = context.args
    if not command:
        raise Refusal("name a command, for example: daehwa run -- python my_test.py")
    settings = settings_with_keys(data)
    if "DAEHWA_PORT" not in os.environ:
        settings = settings.model_copy(update={"port": 0})

    async def work(stack: Stack) -> int:
        environment = {
            **os.environ,
            **environment_of(stack.settings),
            "DAEHWA_URL": stack.url,
            "DAEHWA_WRITE_KEY": next(iter(stack.settings.write_keys)),
            "DAEHWA_LOGS": str(stack.logs),
        }
        try:
            process = await asyncio.create_subprocess_exec(*command, env=environment)
        except OSError as problem:
            raise Refusal(f"{command[0]} cannot be run: {problem.strerror}") from None
        try:
            return await process.wait()
        except asyncio.CancelledError:
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), _LAST_SECONDS)
                except TimeoutError:
                    process.kill()
                    await process.wait()
            raise

    sys.exit(run_stack(settings, data, work, lambda _: None))
