"""The lightest HTTP client there is: the load must cost less than what it measures."""

import asyncio
from base64 import b64encode
from typing import Self


class Connection:
    """One keep-alive connection to the API."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorization: bytes
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._authorization = authorization

    @classmethod
    async def open(cls, port: int, write_key: str = "", *, token: str = "") -> Self:
        """A connection to 127.0.0.1, with a write key or the API token."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if token:
            return cls(reader, writer, b"Bearer " + token.encode())
        return cls(reader, writer, b"Basic " + b64encode(f"{write_key}:".encode()))

    async def post(self, path: bytes, body: bytes) -> int:
        """Sends a body and returns the status of the answer."""
        self._writer.write(
            b"POST %b HTTP/1.1\r\nhost: bench\r\nauthorization: %b\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (path, self._authorization, len(body), body)
        )
        return await self._status()

    async def get(self, path: bytes) -> int:
        """Asks, and returns the status of the answer once all of it is read."""
        self._writer.write(
            b"GET %b HTTP/1.1\r\nhost: bench\r\nauthorization: %b\r\n\r\n"
            % (path, self._authorization)
        )
        return await self._status()

    async def _status(self) -> int:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if length:
            await self._reader.readexactly(length)
        return int(head[9:12])

    def close(self) -> None:
        """Hangs up."""
        self._writer.close()
