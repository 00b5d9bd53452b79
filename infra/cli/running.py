"""Runs the stack around some work, and always stops it."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from infra.cli.refusal import Refusal, settings_or_refusal
from infra.embedded.process import PartFailedError
from infra.embedded.secrets import kept_secret
from infra.embedded.stack import Stack
from infra.settings import Settings

DEMO_WRITE_KEY = "demo"


def settings_with_keys(folder: Path | None) -> Settings:
    """The environment's settings; where token or write key is not set, a token of our own (kept
    in the data folder) and the write key `demo`."""
    settings = settings_or_refusal()
    update: dict[str, object] = {}
    if not settings.api_token.get_secret_value():
        update["api_token"] = SecretStr(kept_secret(folder, "api-token"))
    if not settings.write_keys:
        update["write_keys"] = {DEMO_WRITE_KEY: "web"}
    return settings.model_copy(update=update)


def run_stack(
    settings: Settings,
    data: Path | None,
    work: Callable[[Stack], Coroutine[None, None, int]],
    tell: Callable[[str], None],
) -> int:
    """The stack up, `work` done, the stack stopped; returns what `work` returned, or 130 when a
    signal came first. Without `data` everything is kept in a temporary folder and removed."""
    os.umask(0o077)  # the data folder holds customers' data: readable by its owner only
    with tempfile.TemporaryDirectory(prefix="daehwa-", ignore_cleanup_errors=True) as temporary:
        folder = data if data is not None else Path(temporary)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if data is not None:
                folder.chmod(0o700)  # one that was there may be open to everybody
        except OSError as problem:
            raise Refusal(f"{folder} cannot be used as the data folder: {problem}") from None
        return asyncio.run(_run(settings, folder, work, tell))


async def _run(
    settings: Settings,
    folder: Path,
    work: Callable[[Stack], Coroutine[None, None, int]],
    tell: Callable[[str], None],
) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for what in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(what, stopping.set)
    try:
        stack = Stack(settings, folder, tell=tell)
    except PartFailedError as problem:
        raise Refusal(str(problem)) from None
    stop = asyncio.create_task(stopping.wait())
    try:
        starting = asyncio.create_task(stack.start())
        await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            return 130
        try:
            starting.result()
        except PartFailedError as problem:
            raise Refusal(f"{problem} (logs in {stack.logs})") from None
        assert stack.gave_up is not None  # noqa: S101 - set by start()
        working = asyncio.create_task(work(stack))
        ending: set[asyncio.Future[Any]] = {working, stop, stack.gave_up}
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        if stack.gave_up.done():
            raise Refusal(f"{stack.gave_up.result()} does not stay up (logs in {stack.logs})")
        return 130
    finally:
        await stack.stop()
        stop.cancel()
