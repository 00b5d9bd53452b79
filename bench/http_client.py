"""The lightest HTTP client there is: the load must cost less than what it measures."""

import asyncio
from base64 import b64encode
from typing import Self


class Connection:
    """One keep-alive connection to the collector."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, write_key: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._authorization = b64encode(f"{write_key}:".encode())

    @classmethod
    async def open(cls, port: int, write_key: str) -> Self:
        """A connection to 127.0.0.1."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        return cls(reader, writer, write_key)

    async def post(self, path: bytes, body: bytes) -> int:
        """Sends a body and returns the status of the answer."""
        self._writer.write(
            b"POST %b HTTP/1.1\r\nhost: bench\r\nauthorization: Basic %b\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (path, self._authorization, len(body), body)
        )
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
