"""A site with our tracker on it, and a gate before the collector that can refuse or hold."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
_PASSED_ON = ("content-type", "etag", "cache-control", "content-encoding")


@dataclass(frozen=True)
class Received:
    """One batch as it came to the gate."""

    at: float
    size: int
    items: list[dict[str, Any]]
    status: int

    @property
    def ids(self) -> list[str]:
        return [item["messageId"] for item in self.items]


@dataclass
class Gate:
    """Forwards everything to the collector, unless `refuse` says otherwise.

    `refuse(items)` gives (status, headers) or None; `held` makes batches wait until it is set.
    """

    collector: str
    refuse: Callable[[list[dict[str, Any]]], tuple[int, dict[str, str]] | None] = lambda _: None
    held: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    batches: list[Received] = field(default_factory=list)
    preflights: int = 0
    url: str = ""

    def open(self) -> None:
        """As it is at the beginning of a test."""
        self.refuse = lambda _: None
        self.held.set()
        self.arrived.clear()
        self.batches.clear()
        self.preflights = 0

    def accepted(self) -> list[dict[str, Any]]:
        """The events that the collector has answered with 200, each once, as they came first."""
        once: dict[str, dict[str, Any]] = {}
        for item in self.copies():
            once.setdefault(item["messageId"], item)
        return list(once.values())

    def copies(self) -> list[dict[str, Any]]:
        """The same with those that were sent again, as a tab that is hidden may."""
        return [item for batch in self.batches if batch.status == 200 for item in batch.items]


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on a free port; its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def gate_before(collector: str) -> Iterator[Gate]:
    """A gate on a port of its own."""
    gate = Gate(collector)
    gate.open()
    with httpx.Client(base_url=collector, timeout=20) as forward:

        class Handler(_Quiet):
            def do_OPTIONS(self) -> None:
                gate.preflights += 1
                self.answer(204, CORS, b"")

            def do_GET(self) -> None:
                found = forward.get(self.path)
                self.answer(found.status_code, {"Content-Type": "text/javascript"}, found.content)

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                items = json.loads(data)["batch"]
                gate.arrived.set()
                gate.held.wait(20)
                at = time.monotonic()
                refused = gate.refuse(items)
                if refused is not None:
                    gate.batches.append(Received(at, len(data), items, refused[0]))
                    self.answer(refused[0], CORS | refused[1], b"{}")
                    return
                headers = {"Content-Type": self.headers["Content-Type"]}
                found = forward.post(self.path, content=data, headers=headers)
                gate.batches.append(Received(at, len(data), items, found.status_code))
                self.answer(found.status_code, CORS, found.content)

        with serving(Handler) as gate.url:
            yield gate


@dataclass
class Site:
    """Pages of another origin than the gate's, all alike but for their address and title."""

    head: str = ""
    policy: str = ""
    url: str = ""


@contextmanager
def site_of() -> Iterator[Site]:
    """A site on a port of its own; `head` and `policy` may change while it runs."""
    site = Site()

    class Handler(_Quiet):
        def do_GET(self) -> None:
            page = f"<!doctype html><title>Page of {self.path}</title>{site.head}<p>Hello"
            headers = {"Content-Type": "text/html; charset=utf-8"}
            if site.policy:
                headers["Content-Security-Policy"] = site.policy
            self.answer(200, headers, page.encode())

    with serving(Handler) as site.url:
        yield site


class _Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Answers, if the browser still listens."""
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""
