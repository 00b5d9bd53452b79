"""A webhook receiver that answers as it is told, path by path."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import msgspec


class Received(msgspec.Struct, frozen=True):
    """One request; `status` is what it was answered."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    status: int

    @property
    def id(self) -> str:
        """The idempotency key."""
        return self.headers["webhook-id"]


Answer = tuple[int, dict[str, str]]


class Receiver:
    """Listens on loopback until `stop`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, Callable[[str], Answer]] = {}
        """Path -> from the webhook id to (status, headers); 204 where there is none."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                at = monotonic()
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = receiver.answers.get(self.path)
                status, more = answer(headers.get("webhook-id", "")) if answer else (204, {})
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()
                receiver.received.append(Received(self.path, headers, body, at, status))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def at(self, path: str) -> list[Received]:
        """What came to a path."""
        return [one for one in self.received if one.path == path]

    def stop(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
