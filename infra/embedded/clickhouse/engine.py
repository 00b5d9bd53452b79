"""The ClickHouse engine of this process and the threads that work in it."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import chdb

from .failure import ClickHouseError
from .privileges import write_config
from .session import Session
from .session_settings import TAG_SETTING, quoted

Result = TypeVar("Result")

WORKERS: Final = 4
# An interrupt may come before the query it is meant for has begun, so it is repeated.
INTERRUPT_AGAIN_SECONDS: Final = 0.2


class DirectoryUnusableError(Exception):
    """The engine could not open its directory."""


class Engine:
    """The one engine of a process, on one directory.

    Sessions work side by side; at most ``WORKERS`` of them at one moment, the others wait in the
    order they came. A result that is read slowly holds its session, not a worker.
    """

    def __init__(self, directory: Path) -> None:
        """Open the directory; blocks, and raises `DirectoryUnusableError` when that fails."""
        self._directory = directory
        # Outside of the directory, so that no database of the engine is called like it.
        self._config_folder = tempfile.TemporaryDirectory(prefix="daehwa-clickhouse-")
        self._config = write_config(Path(self._config_folder.name))
        self._tags = itertools.count(1)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="engine")
        # Stopping a query must not wait behind the queries to be stopped.
        self._control_worker = ThreadPoolExecutor(1, thread_name_prefix="engine-control")
        try:
            # Held to the end: the engine shuts down with its last connection.
            self._control = Session(self._connect, "control")
            self._make_default_ordinary()
            # The query log is there from the first query on, not from the first flush.
            self._control.query("SYSTEM FLUSH LOGS", "Null")
        except (RuntimeError, ClickHouseError) as error:
            raise DirectoryUnusableError(f"The engine cannot open {directory}: {error}") from None
        about = self._control.query("SELECT version(), timezone()", "TSVRaw").decode().split()
        self.version: tuple[int, ...] = tuple(int(part) for part in about[0].split("."))
        self.timezone = about[1]

    def open_session(self, user: str, *, readonly: bool = False) -> Session:
        """A new session (about a millisecond); blocks. The query log shows `user` in its
        `log_comment`, such as `session-7 dashboard`: the engine has one user for all."""
        tag = f"session-{next(self._tags)} {user}"
        return Session(self._connect, tag, readonly=readonly)

    async def run(self, call: Callable[[], Result]) -> Result:
        """Run a blocking engine call in a worker thread and wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, call)

    async def interrupt(self, session: Session | None = None) -> None:
        """Ask the engine to stop what a session is running, or with None what all are."""
        which = f"= {quoted(session.tag)}" if session else "LIKE 'session-%'"
        statement = f"KILL QUERY WHERE Settings['{TAG_SETTING}'] {which} ASYNC"
        await asyncio.get_running_loop().run_in_executor(
            self._control_worker, self._control.query, statement, "Null"
        )

    async def close_session(self, session: Session) -> None:
        """Stop what a session runs and close it, even when the caller is cancelled meanwhile."""
        await asyncio.shield(self._end(session))

    def close(self) -> None:
        """Wait for the workers and shut the engine down; blocks."""
        self._workers.shutdown()
        self._control_worker.shutdown()
        self._control.close()
        self._config_folder.cleanup()

    async def _end(self, session: Session) -> None:
        closing = asyncio.ensure_future(self.run(session.close))
        while not (await asyncio.wait({closing}, timeout=INTERRUPT_AGAIN_SECONDS))[0]:
            await self.interrupt(session)

    def _make_default_ordinary(self) -> None:
        """As the engine makes the database `default`, every name in it may also be a file."""
        tables = self._control.query(
            "SELECT count() FROM system.tables WHERE database = 'default'", "TSVRaw"
        )
        self._control.query("DETACH DATABASE default", "Null")
        if int(tables):
            self._control.query("ATTACH DATABASE default", "Null")
            return
        # Of one without tables the engine forgets the id, and cannot attach it again.
        (self._directory / "metadata" / "default.sql").unlink(missing_ok=True)
        self._control.query("CREATE DATABASE default ENGINE = Atomic", "Null")

    def _connect(self) -> Any:
        return chdb.connect(f"{self._directory}?config-file={self._config}")
