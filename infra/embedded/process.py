"""One supervised process: start, readiness, watch, restart, stop; never orphaned."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
import structlog

from infra.backoff import backoff

log = structlog.get_logger()

FIRST_DELAY_S, MAX_DELAY_S = 0.05, 0.25
"""Between two looks at a part that starts: asking takes the processor from what is starting."""

_PR_SET_PDEATHSIG = 1


class PartFailedError(Exception):
    """A part of the stack did not start; the text names it and shows its last log lines."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part to start, with its readiness check."""

    name: str
    command: tuple[str, ...]
    log_file: Path
    ready: Callable[[], Awaitable[bool]]
    """Readiness check in the part's protocol; False (or an OSError) while it does not answer."""
    environment: Mapping[str, str] = {}
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    """How long it may take to stop before it is killed."""
    start_seconds: float = 60.0
    forgets: bool = False
    """Whether its data is lost when it ends."""


class PartProcess:
    """The process of a part."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Starts the process and returns when it answers. `PartFailedError` when it does not."""
        part = self.part
        part.log_file.parent.mkdir(parents=True, exist_ok=True)
        with part.log_file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **part.environment},
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        deadline = asyncio.get_running_loop().time() + part.start_seconds
        delays = backoff(FIRST_DELAY_S, MAX_DELAY_S)
        while not await self._answers():
            if self._process.returncode is not None:
                raise PartFailedError(
                    f"{part.name} stopped at once (exit code {self._process.returncode}): "
                    f"{last_words(part.log_file)}"
                )
            if asyncio.get_running_loop().time() > deadline:
                await self.stop()
                raise PartFailedError(
                    f"{part.name} did not answer within {part.start_seconds:.0f} s: "
                    f"{last_words(part.log_file)}"
                )
            await asyncio.sleep(next(delays))

    async def wait(self) -> int:
        """The exit code, once the process has ended."""
        assert self._process is not None  # noqa: S101 - only called after start
        return await self._process.wait()

    async def stop(self) -> None:
        """Stops the process, and kills it after a time-out. Idempotent."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal(process.pid, self.part.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.part.stop_seconds)
        except TimeoutError:
            log.warning("part does not stop, killing it", name=self.part.name)
            _signal(process.pid, signal.SIGKILL)
            await process.wait()

    async def kill(self) -> None:
        """Kills the process."""
        if self.pid is not None and self._process is not None:
            _signal(self.pid, signal.SIGKILL)
            await self._process.wait()

    async def _answers(self) -> bool:
        try:
            return await asyncio.wait_for(self.part.ready(), 5)
        except (OSError, TimeoutError):
            return False


def last_words(path: Path) -> str:
    """The last lines of a log file, for a message."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "no log"
    return " | ".join(lines[-5:]) or "no log"


def _signal(pid: int, what: signal.Signals) -> None:
    try:
        os.killpg(pid, what)
    except ProcessLookupError:
        return


def _die_with_parent() -> None:
    # A killed supervisor cannot stop its parts: the kernel does it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
