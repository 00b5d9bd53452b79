"""The tracker is small, needs nothing, and is served so that browsers keep it."""

import gzip
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api import tracker
from api.pages import read_text

LARGEST = 3000
"""Bytes, gzipped."""

BUILT = read_text("api.tracker", "daehwa.min.js")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(tracker.router)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://daehwa") as found:
        yield found


def test_it_is_under_3_kb() -> None:
    assert len(gzip.compress(BUILT.encode(), 9)) < LARGEST


def test_it_runs_under_a_strict_policy_and_asks_nobody_else() -> None:
    assert not re.search(r"\beval\b|\bFunction\(|document\.write|innerHTML|\bimport\b", BUILT)
    assert "://" not in BUILT, "no address of anybody else"
    assert "async" in BUILT, "built for ES2017"
    assert not re.search(r"\?\?|\?\.[a-z]|catch\s*\{|\.\.\.\w+\}", BUILT), "nothing later than that"


async def test_browsers_keep_it_and_ask_whether_it_is_new(client: httpx.AsyncClient) -> None:
    first = await client.get("/daehwa.js")
    assert first.status_code == 200
    assert first.text == BUILT
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) < LARGEST
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["access-control-allow-origin"] == "*"
    assert "max-age=86400" in first.headers["cache-control"]
    for known in (first.headers["etag"], f'"other", {first.headers["etag"]}', "*"):
        again = await client.get("/daehwa.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert (await client.get("/daehwa.js", headers={"If-None-Match": '"x"'})).status_code == 200


@pytest.mark.parametrize("encodings", ["", "br", "gzip;q=0", "identity, gzip; q=0.0"])
async def test_who_takes_no_gzip_gets_none(client: httpx.AsyncClient, encodings: str) -> None:
    answer = await client.get("/daehwa.js", headers={"Accept-Encoding": encodings})
    assert "content-encoding" not in answer.headers
    assert answer.text == BUILT
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_its_head_is_told_without_it(client: httpx.AsyncClient) -> None:
    answer = await client.head("/daehwa.js")
    assert answer.status_code == 200
    assert answer.headers["etag"]
