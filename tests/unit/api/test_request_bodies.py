"""No request makes the API read without end, whoever sends it."""

import json
from typing import Any

import pytest
from starlette.requests import Request

from api.app import create_app
from api.collector.pixels import _document
from api.parts import Parts
from infra.settings import Settings
from streams.tracking.body import BodyError
from tests.harness.histories import shop

TOKEN = "a-token-of-the-api"
MB = 1024 * 1024
MAX_READ = 6 * MB


async def endless(method: str, path: str) -> tuple[int, dict[str, Any], int]:
    """Status, body, and how many bytes were read of a body that never ends."""
    settings = Settings(api_token=TOKEN, allowed_hosts=("*",))  # type: ignore[arg-type]  # pydantic makes it a secret
    app = create_app(settings, shop())
    app.state.parts = Parts(settings, shop())
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        if sent:
            return {"type": "http.disconnect"}
        read += MB
        assert read <= 4 * MAX_READ, "it reads on and on"
        return {"type": "http.request", "body": b" " * MB, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"authorization", f"Bearer {TOKEN}".encode())],
    }  # fmt: skip
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body), read


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/batch"),
        ("POST", "/v1/contact"),
        ("POST", "/v1/contact/batch"),
        ("POST", "/v1/calls/ringing"),
        ("POST", "/v1/calls/trg_1/claim"),
        ("POST", "/v1/calls/trg_1/done"),
        ("POST", "/v1/sources/generic-json"),
        ("POST", "/v1/deliveries/replay"),
        ("POST", "/v1/dead-letters/replay"),
        ("PUT", "/v1/playbook"),
        ("POST", "/v1/playbook/check"),
        ("POST", "/v1/playbook/dry-run"),
    ],
)
async def test_a_body_without_end_is_refused_before_it_fills_the_memory(
    method: str, path: str
) -> None:
    status, body, read = await endless(method, path)
    assert (status, body["code"]) == (413, "too_large")
    assert read <= MAX_READ


def test_a_pixel_nested_without_end_is_no_event() -> None:
    query = b"properties." + b"a." * 15_000 + b"b=1"
    with pytest.raises(BodyError):
        _document(Request({"type": "http", "query_string": query}))
