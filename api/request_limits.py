"""Limits of a connection, before a request reaches the app: bytes, counts and times.

Without them one sender whose headers never end takes all memory, and some hundred requests that are
never finished take every file descriptor. uvicorn's HTTP protocol has no such limits.
"""

import asyncio
import json
import resource
from collections import Counter
from typing import Any

import msgspec
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.get_logger()


class RequestLimits(msgspec.Struct, frozen=True):
    """Limits of one connection."""

    url_bytes: int = 48 * 1024
    """A pixel carries a whole event in its URL."""
    head_bytes: int = 64 * 1024
    """URL and headers together."""
    headers: int = 100
    head_seconds: float = 10.0
    """From the first byte, or from the connection on, to the end of the headers."""
    request_seconds: float = 60.0
    """From the first byte to the end of the body."""
    connections_per_address: int = 256
    """0: any number."""


_TOO_LONG = (414, "url_too_long", "the URL is longer than {} bytes")
_TOO_LARGE = (431, "headers_too_large", "URL and headers are larger than {} bytes")
_TOO_MANY = (431, "too_many_headers", "there are more than {} headers")
_TOO_SLOW = (408, "request_timeout", "the request was not complete within {:.0f} s")
_TOO_OFTEN = (503, "too_many_connections", "this address has more than {} connections")
_MALFORMED = (400, "malformed_request", "this is no HTTP request")
_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class _LimitError(Exception):
    """Stops the parser from inside its callbacks."""


def limited_protocol(limits: RequestLimits) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol with these limits; all its connections share one count."""
    connections: Counter[str] = Counter()

    class LimitedProtocol(HttpToolsProtocol):
        _address = ""
        _head_left = limits.head_bytes
        _reading_head = True
        _requests = 0
        """Complete requests on this connection."""
        _answer: tuple[int, str, str] | None = None
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._address = self.client[0] if self.client else ""
            connections[self._address] += 1
            most = limits.connections_per_address
            if most and connections[self._address] > most:
                self._refuse(_TOO_OFTEN, most)
                return
            self._expect(limits.head_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._expect(None)
            connections[self._address] -= 1
            if not connections[self._address]:
                del connections[self._address]
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            if self._timer is None:  # the first byte of another request on the connection
                self._expect(limits.head_seconds)
            began_in_head, requests = self._reading_head, self._requests
            super().data_received(data)
            # Bytes that end a body and bring the head of the next request are not counted.
            only_head = began_in_head and self._reading_head and requests == self._requests
            if only_head and self.parser is not None:
                self._head_left -= len(data)
                if self._head_left < 0:
                    self._refuse(_TOO_LARGE, limits.head_bytes)

        def on_url(self, url: bytes) -> None:
            super().on_url(url)
            if len(self.url) > limits.url_bytes:
                self._stop(_TOO_LONG, limits.url_bytes)

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)  # trailers come here, too
            if len(self.headers) > limits.headers:
                self._stop(_TOO_MANY, limits.headers)

        def on_headers_complete(self) -> None:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > limits.head_bytes:
                self._stop(_TOO_LARGE, limits.head_bytes)
            self._reading_head = False
            self._expect(limits.request_seconds)
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._expect(None)
            self._reading_head, self._head_left = True, limits.head_bytes
            self._requests += 1
            super().on_message_complete()

        def send_400_response(self, msg: str) -> None:
            self._write(*(self._answer or _MALFORMED))

        def _expect(self, seconds: float | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if seconds is not None:
                self._timer = self.loop.call_later(seconds, self._refuse, _TOO_SLOW, seconds)

        def _stop(self, answer: tuple[int, str, str], limit: float) -> None:
            status, code, message = answer
            self._answer = status, code, message.format(limit)
            raise _LimitError

        def _refuse(self, answer: tuple[int, str, str], limit: float) -> None:
            if not self.transport.is_closing():
                status, code, message = answer
                self._write(status, code, message.format(limit))

        def _write(self, status: int, code: str, message: str) -> None:
            body = json.dumps({"code": code, "message": message}).encode()
            again = "retry-after: 5\r\n" if status == 503 else ""
            head = (
                f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\n{again}"
                "connection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
            self.transport.close()

    return LimitedProtocol


def raise_file_limit() -> int:
    """Raises the limit of open files to the hard limit; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError) as problem:
            log.warning(
                "the limit of open files cannot be raised", limit=soft, problem=str(problem)
            )
            return soft
    return hard
