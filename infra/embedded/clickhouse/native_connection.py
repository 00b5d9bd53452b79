"""One client of the native protocol: packets in, packets out, its session in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from . import packets
from .backend import Backend
from .blocks import MAX_NAME_BYTES, Shape, read_block, read_block_info
from .byte_stream import ByteStream, DisconnectedError, MalformedError
from .column_layout import UnsupportedTypeError
from .compression import read_frame
from .engine import INTERRUPT_AGAIN_SECONDS
from .failure import NOT_IMPLEMENTED, failure
from .packets import ClientPacket
from .session import Session

Result = TypeVar("Result")

HELLO_SECONDS: Final = 10.0
# As long as a ClickHouse server waits for a client that stops in the middle of something.
PATIENCE_SECONDS: Final = 300.0
READ_BYTES: Final = 1 << 18


class NativeConnection:
    """A client's connection. Reading raises `DisconnectedError` and `MalformedError`.

    While a query runs, ``abandoned`` becomes true when the client cancels it or goes away.
    """

    def __init__(
        self, backend: Backend, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.backend = backend
        self.stream = ByteStream(self._receive)
        self.abandoned = False
        self.client = ""
        self._session: Session | None = None
        self._reader = reader
        self._writer = writer
        self._patience: float | None = PATIENCE_SECONDS
        self._listener: asyncio.Task[int] | None = None

    @property
    def session(self) -> Session:
        """The client's session; there is one once it was greeted."""
        if self._session is None:
            raise MalformedError("a packet before the Hello")
        return self._session

    async def greet(self) -> None:
        """Read the Hello, check the account, open the session, answer.

        Raises `ClickHouseError`: 516 for a wrong account, 81 for an unknown database.
        """
        async with asyncio.timeout(HELLO_SECONDS):
            if await self.packet_kind() != ClientPacket.HELLO:
                raise MalformedError("the first packet is not a Hello")
            hello = await packets.read_hello(self.stream)
        self.client = hello.client
        account = self.backend.access.check(hello.user, hello.password)
        if hello.revision < packets.REVISION:
            raise failure(
                NOT_IMPLEMENTED,
                "NOT_IMPLEMENTED",
                f"Clients older than protocol revision {packets.REVISION} are not supported.",
            )
        engine = self.backend.engine
        self._session = await engine.run(
            partial(engine.open_session, account.user, readonly=account.readonly)
        )
        await engine.run(partial(self._session.use, hello.database))
        await self.send(packets.hello(engine.version, engine.timezone, "embedded"))

    async def packet_kind(self, patience: float | None = None) -> int:
        """The next packet's number; waits for it for ever, or for ``patience`` seconds."""
        try:
            async with asyncio.timeout(patience):
                kind = await self._listen()
        except TimeoutError:
            raise MalformedError("the client stopped in the middle of a query") from None
        self._listener = None
        return kind

    async def read_data(
        self, *, compressed: bool, sink: Callable[[bytes], object] | None = None
    ) -> tuple[str, Shape]:
        """Read the rest of a Data packet: the table's name, and the block, handed to ``sink``."""
        table = await self.stream.text(MAX_NAME_BYTES)
        body = ByteStream(partial(read_frame, self.stream)) if compressed else self.stream
        try:
            await read_block_info(body)
            shape = await read_block(body, sink)
        except UnsupportedTypeError as error:
            # Where the block ends is unknown, so nothing after it can be understood.
            raise MalformedError(f"a column of type {error} cannot be received") from error
        if compressed and not body.drained:
            raise MalformedError("a frame that is longer than its block")
        return table, shape

    async def send(self, packet: bytes) -> None:
        """Write and wait for the client to keep up; `DisconnectedError` after 300 s of not."""
        try:
            self._writer.write(packet)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._writer.drain()
        except (ConnectionError, TimeoutError):
            raise DisconnectedError from None

    async def work(self, call: Callable[[], Result], *, stoppable: bool = True) -> Result:
        """Run a blocking engine call, and stop it in the engine when the client abandons it.

        Raises what ``call`` raises: 394 QUERY_WAS_CANCELLED after it was stopped. What is not
        ``stoppable`` is stopped only by the end of the server.
        """
        task = asyncio.ensure_future(self.backend.engine.run(call))
        try:
            if stoppable:
                await self._heed_until_done(task)
            else:
                await asyncio.wait({task})
        except asyncio.CancelledError:
            await self._interrupt_until_done(task)
            raise
        return task.result()

    async def close(self) -> None:
        """Close the socket and the session."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait({self._listener})
            if not self._listener.cancelled():
                self._listener.exception()  # seen, so that it is not reported as forgotten
        self._writer.close()
        if self._session is not None:
            await self.backend.engine.close_session(self._session)

    async def _heed_until_done(self, task: asyncio.Future[Result]) -> None:
        while not task.done():
            if self.abandoned:
                await self._interrupt_until_done(task)
                return
            listener = self._listen()
            waited: set[asyncio.Future[Any]] = {task, listener}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not listener.done():
                continue
            if listener.exception() is not None:
                self.abandoned = True
            elif listener.result() == ClientPacket.CANCEL:
                self._listener = None
                self.abandoned = True
            else:
                # The client already sent what comes after this query.
                await asyncio.wait({task})

    async def _interrupt_until_done(self, task: asyncio.Future[Result]) -> None:
        while not task.done():
            await self.backend.engine.interrupt(self._session)
            await asyncio.wait({task}, timeout=INTERRUPT_AGAIN_SECONDS)
        task.exception()

    def _listen(self) -> asyncio.Task[int]:
        if self._listener is None:
            self._listener = asyncio.create_task(self._read_kind())
        return self._listener

    async def _read_kind(self) -> int:
        self._patience = None
        try:
            return await self.stream.varint()
        finally:
            self._patience = PATIENCE_SECONDS

    async def _receive(self) -> bytes:
        try:
            async with asyncio.timeout(self._patience):
                return await self._reader.read(READ_BYTES)
        except TimeoutError:
            raise MalformedError("the client stopped in the middle of a packet") from None
        except ConnectionError:
            return b""
