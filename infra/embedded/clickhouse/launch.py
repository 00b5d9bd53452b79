"""Starting the server as a child process, from Python."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from .__main__ import DASHBOARD_VARIABLE, PASSWORD_VARIABLE

START_SECONDS: Final = 60.0


class LaunchError(Exception):
    """The server did not start; the text is its own sentence about why."""


@dataclass(frozen=True, slots=True)
class ClickHouseProcess:
    """A server that is ready. ``port`` speaks the native protocol, ``http_port`` HTTP."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    http_port: int
    user: str
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """What `DAEHWA_CLICKHOUSE_URL` is set to for this server."""
        return f"clickhouse://{self.user}:{self.password}@{self.host}:{self.port}"

    def stop(self, timeout: float = 20.0) -> int:
        """Ask it to end (SIGTERM), wait, and return its exit code; killed after ``timeout`` s."""
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@dataclass(frozen=True)
class Access:
    """User names and passwords of a server; without a `password` it gets a random one."""

    user: str = "default"
    password: str = field(default_factory=lambda: token_urlsafe(24), repr=False)
    dashboard_password: str = field(default="", repr=False)
    """Of the read-only user `dashboard`; "" where there is none."""


def launch(
    directory: Path,
    log: Path,
    access: Access | None = None,
    *,
    port: int = 0,
    http_port: int = 0,
    extra: tuple[str, ...] = (),
) -> ClickHouseProcess:
    """Starts a server and waits until it accepts clients (about two seconds).

    Its log is appended to ``log``. Raises `LaunchError` when it cannot start, for example because
    ``directory`` is in use.
    """
    access = access or Access()
    command = [sys.executable, "-m", "infra.embedded.clickhouse", "--path", str(directory)]
    command += ["--port", str(port), "--http-port", str(http_port), "--user", access.user, *extra]
    written_before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own module, arguments as a list
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={
                **os.environ,
                PASSWORD_VARIABLE: access.password,
                DASHBOARD_VARIABLE: access.dashboard_password,
            },
        )
    line = _first_line(process, time.monotonic() + START_SECONDS)
    if not line:
        process.kill()
        process.wait()
        said = log.read_bytes()[written_before:].decode(errors="replace").strip()
        raise LaunchError(said or "The ClickHouse process did not start in time.")
    ready = json.loads(line)
    return ClickHouseProcess(
        process, ready["host"], ready["port"], ready["http_port"], access.user, access.password
    )


def _first_line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """The line the server writes when it is ready; empty when it ended or the time is over."""
    if process.stdout is None:
        return b""
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            return b""
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            return b""
        line += piece
    return line
