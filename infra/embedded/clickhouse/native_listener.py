"""The native port: accepts clients, serves each in its own task, and stops gently."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import Final

import structlog

from . import packets
from .backend import Backend
from .byte_stream import DisconnectedError, MalformedError
from .failure import TOO_MANY_CONNECTIONS, UNEXPECTED_PACKET, ClickHouseError, failure
from .native_answers import answer
from .native_connection import NativeConnection
from .packets import ClientPacket

MAX_CONNECTIONS: Final = 1024
BUFFER_BYTES: Final = 1 << 20

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Client:
    task: asyncio.Task[None]
    busy: bool = False


class NativeListener:
    """Serves the native protocol on a bound socket."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._clients: dict[NativeConnection, _Client] = {}
        self._server: asyncio.Server | None = None
        self._stopping = False

    async def start(self, listening: socket.socket) -> None:
        """Begin to accept clients."""
        self._server = await asyncio.start_server(self._serve, sock=listening, limit=BUFFER_BYTES)

    async def stop(self, grace: float) -> None:
        """Accept no more, let running queries finish for ``grace`` seconds, then stop them."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for client in self._clients.values():
            if not client.busy:
                client.task.cancel()
        tasks = {client.task for client in self._clients.values()}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        connection = NativeConnection(self._backend, reader, writer)
        self._clients[connection] = _Client(task)
        try:
            await self._converse(connection)
        except (DisconnectedError, asyncio.CancelledError):
            pass
        except TimeoutError:
            log.info("client sent no hello in time")
        except MalformedError as error:
            log.warning("malformed packet", client=connection.client, reason=str(error))
            await _say(connection, failure(UNEXPECTED_PACKET, "UNEXPECTED_PACKET", f"{error}."))
        except ClickHouseError as error:
            log.info("client refused", client=connection.client, code=error.code)
            await _say(connection, error)
        finally:
            del self._clients[connection]
            await connection.close()

    async def _converse(self, connection: NativeConnection) -> None:
        if len(self._clients) > MAX_CONNECTIONS:
            raise failure(
                TOO_MANY_CONNECTIONS,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                f"More than {MAX_CONNECTIONS} clients are connected.",
            )
        await connection.greet()
        client = self._clients[connection]
        while not self._stopping:
            kind = await connection.packet_kind()
            client.busy = True
            if kind == ClientPacket.QUERY:
                await answer(connection)
            elif kind == ClientPacket.PING:
                await connection.send(packets.PONG)
            elif kind != ClientPacket.CANCEL:  # a cancel that came after its query's end
                raise MalformedError(f"packet {kind} outside a query")
            client.busy = False


async def _say(connection: NativeConnection, error: ClickHouseError) -> None:
    with contextlib.suppress(DisconnectedError):
        await connection.send(packets.exception(error))
