"""A front before the collector, as a load balancer is: passes on what comes, or is in trouble."""

import gzip
import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
_OWN = {"connection", "content-length", "date", "server", "transfer-encoding", "keep-alive"}


class Front:
    """Passes requests on to the collector and remembers what it accepted.

    `refusal` is (status, headers) with which events are answered instead; with `mute` set, events
    are passed on and the connection is closed without an answer; `away()` refuses connections.
    """

    def __init__(self, collector: str) -> None:
        self.url = ""
        self.refusal: tuple[int, dict[str, str]] | None = None
        self.mute = False
        self.refused = 0
        """Requests with events that were not answered with 200."""
        self.accepted: Counter[str] = Counter()
        """Message id -> how often the sender heard 200."""
        self.sent: Counter[str] = Counter()
        """Message id -> how often it came."""
        self._client = httpx.Client(base_url=collector, timeout=30)
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listens, on the port it had before."""
        port = int(self.url.rsplit(":", 1)[1]) if self.url else 0
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def away(self) -> None:
        """Refuses connections and ends those that are open at their next request."""
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            self._thread.join()
            server.server_close()

    @property
    def listens(self) -> bool:
        return self._server is not None

    def pass_on(self, method: str, path: str, headers: Any, body: bytes) -> httpx.Response:
        """The collector's answer. httpx.TransportError where it is unavailable."""
        kept = {k: v for k, v in headers.items() if k.lower() not in {"host", *_OWN}}
        return self._client.request(method, path, headers=kept, content=body)

    def close(self) -> None:
        self._client.close()


def message_ids(body: bytes) -> list[str]:
    """Of a request's events; none where it holds none."""
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    with suppress(ValueError, AttributeError):
        found = json.loads(body)
        items = found.get("batch", [found])
        return [item["messageId"] for item in items if "messageId" in item]
    return []


@contextmanager
def front_before(collector: str) -> Iterator[Front]:
    """A front on a port of its own."""
    front = Front(collector)
    front.open()
    try:
        yield front
    finally:
        front.away()
        front.close()


def _handler_of(front: Front) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            ids = message_ids(body) if self.command == "POST" else []
            front.sent.update(ids)
            if not front.listens:
                front.refused += bool(ids)
                self.close_connection = True
                return None
            if ids and front.refusal is not None:
                front.refused += 1
                status, headers = front.refusal
                text = b'{"code": "trouble", "message": "as the test wants it"}'
                return self.answer(status, CORS | headers, text)
            try:
                found = front.pass_on(self.command, self.path, self.headers, body)
            except httpx.TransportError:
                front.refused += 1
                return self.answer(502, CORS, b'{"code": "bad_gateway", "message": "no collector"}')
            if ids and front.mute:
                front.refused += 1
                self.close_connection = True
                return None
            if ids and found.status_code == 200:
                front.accepted.update(ids)
            kept = {k: v for k, v in found.headers.items() if k.lower() not in _OWN}
            return self.answer(found.status_code, kept, found.content)

        do_GET = do_POST = do_OPTIONS = handle_any  # noqa: N815 - the names http.server calls

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            """Answers, if the sender still listens."""
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
