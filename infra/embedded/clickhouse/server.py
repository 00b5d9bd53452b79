"""The ClickHouse server process: engine, native port, HTTP port, and their orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
import uvicorn

from .access import Access
from .backend import MAX_INSERT_BYTES, Backend
from .engine import Engine
from .http_interface import http_application
from .http_sessions import HttpSessions
from .native_listener import NativeListener

# What a running query gets to finish in after SIGTERM; then it is stopped in the engine.
GRACE_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """Where the server listens and works; ports of 0 are chosen by the system."""

    directory: Path
    host: str = "127.0.0.1"
    port: int = 0
    http_port: int = 0
    access: Access = field(default_factory=Access)
    max_insert_bytes: int = MAX_INSERT_BYTES


class _Http(uvicorn.Server):
    """Uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT; announces the ports as one JSON line on standard output.

    Raises `DirectoryUnusableError` when the engine cannot open the directory, `OSError` for a port
    that is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    native_socket = _listening(options.host, options.port)
    http_socket = _listening(options.host, options.http_port)
    engine = await asyncio.to_thread(Engine, options.directory)
    backend = Backend(engine, options.access, options.directory, options.max_insert_bytes)
    native, sessions = NativeListener(backend), HttpSessions(engine)
    await native.start(native_socket)
    http = _Http(
        uvicorn.Config(
            http_application(backend, sessions),
            lifespan="off",
            log_config=None,
            # A late query error breaks its response on purpose; it is logged where it is known.
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=int(GRACE_SECONDS),
        )
    )
    http_task = asyncio.create_task(http.serve(sockets=[http_socket]))
    _announce(native_socket, http_socket)
    await stop.wait()
    log.info("stopping")
    http.should_exit = True
    await asyncio.gather(native.stop(GRACE_SECONDS), _ended(http_task, engine))
    await sessions.close()
    await asyncio.to_thread(engine.close)
    log.info("stopped")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=512)
    # Accepted sockets inherit it; asyncio would set it only on sockets made with a protocol number.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def _ended(http_task: asyncio.Task[None], engine: Engine) -> None:
    """Wait for HTTP to end; what outlasts the grace is stopped in the engine."""
    await asyncio.wait({http_task}, timeout=GRACE_SECONDS)
    while not http_task.done():
        await engine.interrupt()
        await asyncio.wait({http_task}, timeout=1)


def _announce(native_socket: socket.socket, http_socket: socket.socket) -> None:
    host, port = native_socket.getsockname()[:2]
    ready = {
        "ready": True,
        "host": host,
        "port": port,
        "http_port": http_socket.getsockname()[1],
        "pid": os.getpid(),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
