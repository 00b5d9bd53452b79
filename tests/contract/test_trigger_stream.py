"""Server-sent events over a real socket: live, resumable, filtered, and gone when the reader is."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

from api import triggers
from api.errors import answer_errors
from infra.kafka.names import TRIGGERS
from infra.kafka.trigger_tail import TriggerTail
from schemas.trigger import Trigger
from streams.codec.codec import encode_trigger
from tests.harness.tansu import Broker, until

TOKEN = {"Authorization": "Bearer secret"}


class Shop:
    """A broker, the tail that follows it, and an API that serves what the tail has."""

    def __init__(self, url: str, tail: TriggerTail, producer: AIOKafkaProducer) -> None:
        self.url = url
        self.tail = tail
        self._producer = producer

    async def fire(self, number: int, **other: Any) -> None:
        fields = {"type": "stage.reached", "customer_id": "anna", "decision": "fire", **other}
        trigger = Trigger(
            id=f"trg_{number}", rule="interest", occurred_at=number, decided_at=number,
            reason="reached details", why={}, **fields,
        )  # fmt: skip
        await self._producer.send_and_wait(TRIGGERS, encode_trigger(trigger), partition=0)

    @asynccontextmanager
    async def stream(self, query: str = "", **headers: str) -> AsyncIterator[AsyncIterator[Any]]:
        """The messages of the stream as (id, data), once it listens."""
        async with (
            httpx.AsyncClient(base_url=self.url, headers=TOKEN | headers, timeout=20) as client,
            client.stream("GET", f"/v1/triggers/stream{query}") as answer,
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "no-cache" in answer.headers["cache-control"]
            lines = answer.aiter_lines()
            async for line in lines:
                if line == ": listening":
                    break
            yield _messages(lines)


async def _messages(lines: AsyncIterator[str]) -> AsyncIterator[Any]:
    name = ""
    async for line in lines:
        if line.startswith("id: "):
            name = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
        elif line.startswith(":"):
            yield "", line


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    broker = Broker({TRIGGERS: 1})
    await asyncio.to_thread(broker.start)
    settings = broker.settings(partitions=1, api_token="secret")
    tail = TriggerTail(settings)
    app = FastAPI()
    answer_errors(app)
    app.include_router(triggers.router)
    app.include_router(triggers.streams)
    app.state.parts = SimpleNamespace(settings=settings, triggers=tail)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    producer = AIOKafkaProducer(bootstrap_servers=broker.address)
    await producer.start()
    await tail.start()
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started, "the API serves")
        await until(lambda: tail.live, "the tail follows")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Shop(f"http://127.0.0.1:{port}", tail, producer)
    finally:
        await tail.stop()
        server.should_exit = True
        await serving
        await producer.stop()
        broker.kill()


async def test_a_trigger_arrives_as_one_message_with_its_id(shop: Shop) -> None:
    async with shop.stream() as messages:
        await shop.fire(1)
        name, data = await anext(messages)
    assert name == data["id"] == "trg_1"
    assert data["type"] == "stage.reached"
    assert data["reason"] == "reached details"


async def test_a_reader_resumes_after_the_last_id_it_has_seen(shop: Shop) -> None:
    async with shop.stream() as messages:
        for number in range(4):
            await shop.fire(number)
        assert [(await anext(messages))[0] for _ in range(2)] == ["trg_0", "trg_1"]
    async with shop.stream(**{"Last-Event-ID": "trg_1"}) as messages:
        assert [(await anext(messages))[0] for _ in range(2)] == ["trg_2", "trg_3"]


async def test_only_what_was_asked_for_comes(shop: Shop) -> None:
    async with (
        shop.stream("?type=churn.risk") as churn,
        shop.stream("?customer=ben") as ben,
        shop.stream() as fired,
        shop.stream("?suppressed=true") as everything,
    ):
        await shop.fire(1, decision="suppressed", suppressed_by="cooldown")
        await shop.fire(2, type="churn.risk")
        await shop.fire(3, customer_id="ben")
        assert (await anext(churn))[0] == "trg_2"
        assert (await anext(ben))[0] == "trg_3"
        assert [(await anext(fired))[0] for _ in range(2)] == ["trg_2", "trg_3"]
        assert [(await anext(everything))[0] for _ in range(3)] == ["trg_1", "trg_2", "trg_3"]
    async with httpx.AsyncClient(base_url=shop.url, headers=TOKEN) as client:
        latest = (await client.get("/v1/triggers?limit=1")).json()
        assert [one["id"] for one in latest["triggers"]] == ["trg_3"]
        held = (await client.get("/v1/triggers?suppressed=true&customer=anna")).json()
        assert [one["id"] for one in held["triggers"]] == ["trg_2", "trg_1"]
        wrong = await client.get("/v1/triggers?type=nonsense")
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")


async def test_silence_is_filled_with_comments_even_while_others_are_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "PING_S", 0.05)
    async with shop.stream("?customer=nobody") as messages:
        await shop.fire(1)
        assert await anext(messages) == ("", ": ping")


async def test_a_reader_who_left_is_forgotten_and_stopping_ends_the_stream(shop: Shop) -> None:
    async with shop.stream():
        await until(lambda: shop.tail.subscribers == 1, "one listens")
    await until(lambda: shop.tail.subscribers == 0, "nobody listens")
    async with shop.stream() as messages:
        await shop.tail.stop()
        assert [one async for one in messages] == []


async def test_the_token_is_asked_for(shop: Shop) -> None:
    async with httpx.AsyncClient(base_url=shop.url) as client:
        for path in ("/v1/triggers", "/v1/triggers/stream"):
            assert (await client.get(path)).status_code == 401
            wrong = {"Authorization": "Bearer wrong"}
            assert (await client.get(path, headers=wrong)).status_code == 401
        right = {"Authorization": "Bearer secret"}
        assert (await client.get("/v1/triggers", headers=right)).status_code == 200
