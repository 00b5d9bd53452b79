"""Reading binary values from bytes that arrive in pieces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class DisconnectedError(Exception):
    """The other side is gone; there is nobody left to tell."""


class MalformedError(Exception):
    """The bytes are not what the protocol says; only this connection is closed."""


class ByteStream:
    """Bytes delivered piece by piece by ``receive``, which returns ``b""`` at the end.

    ``data`` and ``position`` are open to code that must walk over many small values quickly. The
    bytes walked over between `start_copy` and `stop_copy` are handed to a sink, piece by piece, so
    that a block is never held whole.
    """

    def __init__(self, receive: Callable[[], Awaitable[bytes]], data: bytes = b"") -> None:
        self._receive = receive
        self._sink: Callable[[bytes], object] | None = None
        self._copy_from = 0
        self.data = data
        self.position = 0

    @property
    def drained(self) -> bool:
        """True when every received byte has been read."""
        return self.position == len(self.data)

    async def fill(self) -> None:
        """Replace the fully read ``data`` by the next piece; `DisconnectedError` at the end."""
        self._copy_read_bytes()
        # Set before the wait: a cancelled wait must not copy the same bytes again.
        self.data, self.position, self._copy_from = b"", 0, 0
        self.data = await self._receive()
        if not self.data:
            raise DisconnectedError

    async def varint(self) -> int:
        """Read an unsigned LEB128 number of at most 64 bits."""
        value = shift = 0
        while True:
            if self.position == len(self.data):
                await self.fill()
            byte = self.data[self.position]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise MalformedError("a number longer than 64 bits")

    async def take(self, size: int) -> bytes:
        """Read exactly ``size`` bytes."""
        end = self.position + size
        if end <= len(self.data):
            taken = self.data[self.position : end]
            self.position = end
            return taken
        parts = []
        while size:
            if self.position == len(self.data):
                await self.fill()
            part = self.data[self.position : self.position + size]
            self.position += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    async def skip(self, size: int) -> None:
        """Walk over ``size`` bytes without keeping them."""
        while True:
            step = min(size, len(self.data) - self.position)
            self.position += step
            size -= step
            if not size:
                return
            await self.fill()

    async def integer(self, size: int) -> int:
        """Read a little-endian unsigned number of ``size`` bytes."""
        return int.from_bytes(await self.take(size), "little")

    async def text(self, limit: int) -> str:
        """Read a length-prefixed UTF-8 string; longer than ``limit`` bytes is `MalformedError`."""
        size = await self.varint()
        if size > limit:
            raise MalformedError(f"a string of {size} bytes where at most {limit} are allowed")
        try:
            return (await self.take(size)).decode()
        except UnicodeDecodeError as error:
            raise MalformedError("a string that is not UTF-8") from error

    def start_copy(self, sink: Callable[[bytes], object]) -> None:
        """Hand every byte read from here on to ``sink``."""
        self._sink = sink
        self._copy_from = self.position

    def stop_copy(self) -> None:
        """Hand over what was read so far and stop copying."""
        self._copy_read_bytes()
        self._sink = None

    def _copy_read_bytes(self) -> None:
        if self._sink is not None and self.position > self._copy_from:
            self._sink(self.data[self._copy_from : self.position])
            self._copy_from = self.position


def stream_of(data: bytes) -> ByteStream:
    """A stream over bytes that are all here already."""

    async def nothing_more() -> bytes:
        return b""

    return ByteStream(nothing_more, data)


def at_once(reading: Coroutine[Any, Any, Result]) -> Result:
    """Run a reader of `stream_of` bytes, which never waits, outside an event loop."""
    try:
        reading.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    reading.close()
    raise MalformedError("bytes that were to be complete are not")
