"""Connections that never finish: each is ended within its limit, and others are served
meanwhile."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator

import httpx
import psutil
import pytest
import pytest_asyncio

from api.request_limits import RequestLimits
from infra.embedded.ports import free_ports
from infra.embedded.process import Part, PartProcess
from tests.harness.web import plain_async_client

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = RequestLimits()
FILES = 600
"""Open files that the process may have: what a small machine gives it."""


class Api:
    """A real API process; Kafka and Redis are not there, and it serves all the same."""

    def __init__(self, port: int, process: PartProcess) -> None:
        self.port = port
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def answers(self) -> bool:
        """Whether somebody else is served."""
        async with plain_async_client(timeout=5) as client:
            return (await client.get(f"{self.url}/healthz")).status_code == 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    port, kafka, redis = free_ports(3)
    url = f"http://127.0.0.1:{port}/healthz"

    async def ready() -> bool:
        async with plain_async_client() as client:
            try:
                return (await client.get(url)).status_code == 200
            except httpx.TransportError:
                return False

    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES})); "
        "from api.__main__ import main; sys.exit(main())"
    )
    part = Part(
        name="api",
        command=(sys.executable, "-c", code),
        environment={
            **os.environ,
            "DAEHWA_PORT": str(port),
            "DAEHWA_KAFKA_URL": f"kafka://127.0.0.1:{kafka}",
            "DAEHWA_REDIS_URL": f"redis://127.0.0.1:{redis}/0",
            "DAEHWA_WRITE_KEYS": "key=shop",
            "DAEHWA_API_TOKEN": "secret",
        },
        log_file=tmp_path_factory.mktemp("api") / "api.log",
        ready=ready,
    )
    process = PartProcess(part)
    await process.start()
    try:
        yield Api(port, process)
    finally:
        await process.stop()


async def refusal(reader: asyncio.StreamReader) -> tuple[int, str]:
    """(status, code) of the answer, which ends the connection."""
    async with asyncio.timeout(30):
        answer = await reader.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"x-content-type-options: nosniff" in head
    return int(head.split()[1]), json.loads(body)["code"]


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"X-A: " + b"a" * 65_000 + b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"a" * 65_536),
        (b"GET /", b"a" * 65_536),
    ],
    ids=["headers", "one-header", "url"],
)
async def test_a_head_without_end_takes_no_memory(api: Api, begin: bytes, piece: bytes) -> None:
    before = api.memory
    _, writer = await api.connect()
    writer.write(begin)
    sent = 0
    try:
        while sent < 200 * 1024 * 1024:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
    except ConnectionError:
        pass
    writer.close()
    assert sent < 8 * 1024 * 1024, "it is not read on and on"
    assert api.memory - before < 32 * 1024 * 1024
    assert await api.answers()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /" + b"a" * 50_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (414, "url_too_long")),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 101 + b"\r\n",
            (431, "too_many_headers"),
        ),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 66_000 + b"\r\n\r\n",
            (431, "headers_too_large"),
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400, "malformed_request")),
    ],
    ids=["url", "count", "size", "tls"],
)
async def test_a_limit_is_said(api: Api, request_: bytes, expected: tuple[int, str]) -> None:
    reader, writer = await api.connect()
    writer.write(request_)
    assert await refusal(reader) == expected
    writer.close()


async def test_requests_that_never_come_are_ended(api: Api) -> None:
    clock = asyncio.get_running_loop().time
    started = clock()
    silent, silent_writer = await api.connect()
    half, half_writer = await api.connect()
    half_writer.write(b"POST /v1/batch HTTP/1.1\r\nHost: loc")
    for reader in (silent, half):
        assert await refusal(reader) == (408, "request_timeout")
    assert clock() - started < LIMITS.head_seconds + 5
    silent_writer.close()
    half_writer.close()


async def test_eight_hundred_half_sent_requests_shut_nobody_out(api: Api) -> None:
    held = []
    for _ in range(800):
        try:
            reader, writer = await api.connect()
        except ConnectionError:
            continue
        writer.write(b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n")
        held.append((reader, writer))
    try:
        # From another address: that of this one has its share.
        transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=transport, timeout=5) as client:
            assert (await client.get(f"{api.url}/healthz")).status_code == 200
        one_more, writer = await api.connect()
        assert await refusal(one_more) == (503, "too_many_connections")
        writer.close()
    finally:
        for _, writer in held:
            writer.close()


async def test_large_bodies_on_one_connection_are_no_heads(api: Api) -> None:
    body = b'{"batch": [' + b" " * 400_000 + b"]}"
    async with httpx.AsyncClient(base_url=api.url) as client:
        for _ in range(3):
            answer = await client.post("/v1/batch", content=body, auth=("key", ""))
            assert answer.status_code not in (408, 414, 431), answer.text


async def test_hosts_and_tokens(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.url) as client:
        foreign = await client.get("/healthz", headers={"Host": "rebound.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (421, "unknown_host")
        for path in ("/healthz", "/", "/docs", "/nowhere", "/v1/triggers", "/openapi.json"):
            answer = await client.get(path)
            assert answer.headers["x-content-type-options"] == "nosniff", path
        for path in ("/v1/triggers", "/v1/customers/u1", "/v1/triggers/stream"):
            assert (await client.get(path, params={"token": "secret"})).status_code == 401
            assert (await client.get(path, params={"ticket": "secret"})).status_code == 401
        bearer = {"Authorization": "Bearer secret"}
        ticket = (await client.post("/v1/triggers/tickets", headers=bearer)).json()["ticket"]
        assert (await client.get("/v1/triggers", params={"ticket": ticket})).status_code == 401
        stream = client.stream("GET", "/v1/triggers/stream", params={"ticket": ticket})
        async with stream as opened:
            assert opened.status_code == 200
