"""The collector with a real broker: what was answered 200 is on the log, what is not was refused
so that an SDK does the right thing."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.collector.reading import LARGEST_BODY
from infra.kafka.names import DEAD_LETTERS, EVENTS, KAFKA_TOPICS
from streams.codec.codec import decode_dead_letter, decode_wire_envelope
from streams.identity.partitioning import partition_of
from tests.harness.paths import CAPTURES
from tests.harness.tansu import Broker, until

PARTITIONS = 3
KEYS = {"WK": "shop", "WK_test": "till"}
EVENT = {"userId": "u1", "event": "Order Completed", "messageId": "m1"}
AUTH = ("WK", "")


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    broker = Broker(dict.fromkeys(KAFKA_TOPICS, PARTITIONS))
    broker.start()
    yield broker
    broker.kill()


async def running(broker: Broker, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create_app(
        broker.settings(partitions=PARTITIONS, write_keys=KEYS, api_token="secret", **settings)
    )
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
            client.app = app  # type: ignore[attr-defined]
            yield client


@pytest.fixture
async def client(broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    async for client in running(broker):
        yield client


async def until_connected(client: httpx.AsyncClient) -> None:
    writer = client.app.state.parts.writer  # type: ignore[attr-defined]
    await until(lambda: writer.connected, "connected")


async def events_of(broker: Broker) -> dict[str, Any]:
    """Message id -> (event, partition)."""
    records = await asyncio.to_thread(broker.records, EVENTS)
    found: dict[str, Any] = {}
    for partition, values in records.items():
        for _, value in values:
            events, unreadable = decode_wire_envelope(value)
            assert unreadable == []
            found |= {event.message_id: (event, partition) for event in events}
    return found


async def dead_letters_of(broker: Broker) -> list[Any]:
    records = await asyncio.to_thread(broker.records, DEAD_LETTERS)
    return [decode_dead_letter(value) for values in records.values() for _, value in values]


def assert_refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status
    body = response.json()
    assert set(body) == {"code", "message"}
    assert body["code"] == code
    assert body["message"]


async def test_every_request_of_the_real_sdks_is_accepted_and_on_the_log(
    broker: Broker, client: httpx.AsyncClient
) -> None:
    sent: dict[str, Any] = {}
    for file in sorted(CAPTURES.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            request = json.loads(line)
            body = json.dumps(request["body"]).encode()
            if request["headers"].get("Content-Encoding") == "gzip":
                body = gzip.compress(body)
            response = await client.post(request["path"], content=body, headers=request["headers"])
            assert (response.status_code, response.content) == (200, b'{"success": true}'), request
            items = request["body"].get("batch", [request["body"]])
            sent |= {item["messageId"]: item for item in items}
    found = await events_of(broker)
    for message_id, item in sent.items():
        event, partition = found[message_id]
        key = item.get("userId") or item["anonymousId"]
        assert partition == partition_of(key, PARTITIONS)
        assert event.type == item["type"]
        assert event.source in KEYS.values()


@pytest.mark.parametrize(
    "how",
    [
        {"auth": AUTH},
        {"headers": {"authorization": "Basic " + base64.b64encode(b"WK").decode()}},
        {"headers": {"x-write-key": "WK"}},
        {"params": {"writeKey": "WK"}},
        {"json": {**EVENT, "writeKey": "WK"}},
    ],
)
async def test_places_of_a_write_key(client: httpx.AsyncClient, how: dict[str, Any]) -> None:
    response = await client.post("/v1/track", **{"json": EVENT, **how})
    assert response.status_code == 200


@pytest.mark.parametrize("how", [{}, {"auth": ("other", "")}, {"params": {"writeKey": ""}}])
async def test_an_unknown_write_key_is_refused(
    client: httpx.AsyncClient, how: dict[str, Any]
) -> None:
    assert_refused(await client.post("/v1/track", json=EVENT, **how), 401, "unknown_write_key")


async def test_the_content_type_is_ignored_and_gzip_comes_in_pieces(
    broker: Broker, client: httpx.AsyncClient
) -> None:
    packed = gzip.compress(json.dumps({**EVENT, "messageId": "in-pieces"}).encode())

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(packed), 7):
            yield packed[at : at + 7]

    headers = {"content-type": "text/plain", "content-encoding": "gzip"}
    response = await client.post("/v1/t", content=pieces(), headers=headers, auth=AUTH)
    assert response.status_code == 200
    assert "in-pieces" in await events_of(broker)


async def test_bad_items_become_dead_letters_and_the_good_are_kept(
    broker: Broker, client: httpx.AsyncClient
) -> None:
    bad = [{"type": "track", "userId": "u", "messageId": "bad-1"}, 7, {"type": "page"}]
    good = [{**EVENT, "type": "track", "messageId": f"good-{n}"} for n in range(3)]
    response = await client.post("/v1/batch", json={"batch": [*bad, *good]}, auth=AUTH)
    assert response.status_code == 200
    assert {f"good-{n}" for n in range(3)} <= set(await events_of(broker))
    letters = {letter.payload: letter for letter in await dead_letters_of(broker)}
    for item in bad:
        (letter,) = [one for payload, one in letters.items() if json.loads(payload) == item]
        assert letter.origin == "collector:shop/batch"
        assert letter.detail


async def test_a_single_bad_event_is_refused_and_kept(
    broker: Broker, client: httpx.AsyncClient
) -> None:
    item = {"userId": "single-bad"}
    assert_refused(await client.post("/v1/track", json=item, auth=AUTH), 400, "invalid_event")
    payloads = [json.loads(letter.payload) for letter in await dead_letters_of(broker)]
    assert item in payloads


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {}, 400, "invalid_json"),
        (b"", {}, 400, "invalid_json"),
        (b'{"batch": {}}', {}, 400, "invalid_body"),
        (b" " * (LARGEST_BODY + 1), {}, 413, "too_large"),
        pytest.param(
            gzip.compress(b" " * (LARGEST_BODY * 8)), {}, 413, "too_large", id="unpacked-too-large"
        ),
        (b"\x1f\x8bxxx", {"content-encoding": "gzip"}, 400, "invalid_gzip"),
        (b"x", {"content-encoding": "compress"}, 415, "unsupported_encoding"),
        (b"x", {"content-encoding": "br"}, 400, "invalid_encoding"),
    ],
)
async def test_a_body_that_cannot_be_taken_is_refused(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await client.post("/v1/batch", content=content, headers=headers, auth=AUTH)
    assert_refused(response, status, code)


async def test_an_endless_body_is_refused_before_it_ends(client: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1 << 20
            yield bytes(1 << 20)

    response = await client.post("/v1/batch", content=endless(), auth=AUTH)
    assert_refused(response, 413, "too_large")
    assert taken <= LARGEST_BODY + (2 << 20)


async def test_errors_are_json_everywhere(client: httpx.AsyncClient) -> None:
    assert_refused(await client.get("/nowhere"), 404, "not_found")
    assert_refused(await client.get("/v1/track"), 405, "method_not_allowed")
    assert_refused(await client.post("/healthz"), 405, "method_not_allowed")
    assert_refused(await client.get("/v1/triggers"), 401, "unauthorized")
    wrong = {
        "params": {"limit": "many"},
        "headers": {"Authorization": "Bearer secret"},
    }
    assert_refused(await client.get("/v1/triggers", **wrong), 422, "invalid_request")


async def test_nothing_is_redirected(client: httpx.AsyncClient) -> None:
    for path in ("/v1/batch/", "/healthz/", "/sourceConfig"):
        assert (await client.get(path)).status_code not in range(300, 400)


async def test_browsers_may_send_from_allowed_sites(client: httpx.AsyncClient) -> None:
    origin = {"origin": "http://shop.example"}
    asked = origin | {
        "access-control-request-method": "POST",
        "access-control-request-headers": "anonymousid,authorization,content-type,sentat",
    }
    preflight = await client.options("/v1/batch", headers=asked)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "http://shop.example"
    assert "sentat" in preflight.headers["access-control-allow-headers"]
    for response in (
        await client.post("/v1/track", json=EVENT, headers=origin, auth=AUTH),
        await client.post("/v1/track", json=EVENT, headers=origin),
    ):
        assert response.headers["access-control-allow-origin"] == "http://shop.example"


async def test_a_page_from_elsewhere_may_not_send_for_a_source(broker: Broker) -> None:
    sites = ("https://shop.example", "till=https://till.example")
    async for client in running(broker, allowed_origins=sites):
        elsewhere = {"origin": "https://elsewhere.example"}
        refused = await client.post("/v1/track", json=EVENT, headers=elsewhere, auth=AUTH)
        assert_refused(refused, 403, "origin_not_allowed")
        assert "access-control-allow-origin" not in refused.headers
        till = {"origin": "https://till.example"}
        refused = await client.post("/v1/track", json=EVENT, headers=till, auth=AUTH)
        assert_refused(refused, 403, "origin_not_allowed")
        taken = await client.post("/v1/track", json=EVENT, headers=till, auth=("WK_test", ""))
        assert taken.status_code == 200
        assert (await client.post("/v1/track", json=EVENT, auth=AUTH)).status_code == 200


async def test_a_source_that_sends_too_much_is_asked_to_wait(broker: Broker) -> None:
    batch = {"batch": [{**EVENT, "type": "track"}] * 60}
    async for client in running(broker, rate_limit=10):
        answers = [await client.post("/v1/batch", json=batch, auth=AUTH) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 429, 429]
        assert_refused(answers[1], 429, "too_many_requests")
        assert 1 <= int(answers[1].headers["retry-after"]) <= 6
        other = await client.post("/v1/batch", json=batch, auth=("WK_test", ""))
        assert other.status_code == 200


@pytest.mark.parametrize("path", ["/v1/pixel/track", "/pixel/v1/track"])
async def test_a_picture_in_a_mail_is_an_event(
    broker: Broker, client: httpx.AsyncClient, path: str
) -> None:
    plain = {
        "writeKey": "WK",
        "userId": "reader>?",
        "event": "Mail Opened",
        "messageId": f"flat{path}",
        "properties.campaign.name": "spring",
        "a.b": "c",
    }
    packed = json.dumps({**plain, "messageId": f"packed{path}", "properties": {"n": "ÿ>?"}})
    for data in (base64.b64encode(packed.encode()), base64.urlsafe_b64encode(packed.encode())):
        answer = await client.get(path, params={"data": data.decode().rstrip("=")})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    answer = await client.get(path, params=plain)
    assert answer.content.startswith(b"GIF89a")
    assert answer.headers["cache-control"].startswith("no-store")
    events = await events_of(broker)
    flat, _ = events[f"flat{path}"]
    assert (flat.name, flat.user_id) == ("Mail Opened", "reader>?")
    assert json.loads(bytes(flat.properties)) == {"campaign": {"name": "spring"}}
    assert json.loads(bytes(events[f"packed{path}"][0].properties)) == {"n": "ÿ>?"}


async def test_a_picture_is_always_a_picture(client: httpx.AsyncClient, broker: Broker) -> None:
    for params in (
        {"data": "%%%"}, {"data": "e30"}, {}, {"writeKey": "WK", "userId": "no-event"},
        {"writeKey": "unknown", "event": "E", "userId": "u"},
    ):  # fmt: skip
        answer = await client.get("/v1/pixel/track", params=params)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    payloads = [json.loads(letter.payload) for letter in await dead_letters_of(broker)]
    assert {"writeKey": "WK", "userId": "no-event"} in payloads


async def test_settings_of_the_browser_sdks(client: httpx.AsyncClient) -> None:
    segment = (await client.get("/v1/projects/WK/settings")).json()
    assert segment["integrations"]["Segment.io"]["apiKey"] == "WK"
    assert segment["integrations"]["Segment.io"]["apiHost"] == "collector/v1"
    vendors = {"Customer.io Data Pipelines": "collector/v1", "Hightouch.io": "collector"}
    for vendor, host in vendors.items():
        assert segment["integrations"][vendor]["apiHost"] == host
        assert segment["integrations"][vendor]["apiKey"] == "WK"
    rudderstack = (await client.get("/sourceConfig/", auth=AUTH)).json()["source"]
    assert rudderstack["id"] == "shop"
    assert rudderstack["enabled"] is True
    assert rudderstack["destinations"] == []
    assert isinstance(rudderstack["config"], dict)
    assert_refused(await client.get("/v1/projects/no/settings"), 401, "unknown_write_key")
    assert_refused(await client.get("/sourceConfig/"), 401, "unknown_write_key")


async def test_the_script_of_the_plain_snippet(client: httpx.AsyncClient) -> None:
    for name in ("analytics.min.js", "analytics.js"):
        answer = await client.get(f"/analytics.js/v1/WK/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert '"WK"' in answer.text
        assert "__WRITE_KEY__" not in answer.text
    assert_refused(
        await client.get("/analytics.js/v1/no/analytics.min.js"), 401, "unknown_write_key"
    )


async def test_a_page_can_read_that_there_is_nothing_at_an_address(
    client: httpx.AsyncClient,
) -> None:
    headers = {"origin": "https://shop.example"}
    for method in ("GET", "POST", "OPTIONS"):
        answer = await client.request(method, "/v1/trak", headers=headers)
        assert answer.status_code == 404
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_telemetry_is_accepted_and_dropped(broker: Broker, client: httpx.AsyncClient) -> None:
    before = await events_of(broker)
    for path in ("/v1/m", "/rsaMetrics"):
        response = await client.post(path, content=b'{"series": []}')
        assert (response.status_code, response.json()) == (200, {"success": True})
    assert await events_of(broker) == before


async def test_every_route_of_the_collector_is_documented(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path in ("/v1/batch", "/v1/b", "/v1/track", "/v1/t", "/v1/alias", "/beacon/v1/batch"):
        assert paths[path]["post"]["summary"]
        assert "503" in paths[path]["post"]["responses"]


async def test_health(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).status_code == 200
    ready = await client.get("/readyz")
    assert ready.json()["dependencies"]["kafka"] == "up"
    await client.post("/v1/track", json=EVENT, auth=AUTH)
    metrics = (await client.get("/metrics")).text
    assert 'daehwa_events_accepted_total{source="shop"}' in metrics


async def test_kafka_away_is_said_and_kafka_back_is_written_to() -> None:
    broker = Broker(dict.fromkeys(KAFKA_TOPICS, PARTITIONS))
    async for client in running(broker):
        origin = {"origin": "http://shop.example"}
        refused = await client.post("/v1/track", json=EVENT, auth=AUTH, headers=origin)
        assert_refused(refused, 503, "unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert refused.headers["access-control-allow-origin"] == "http://shop.example"
        bad = await client.post("/v1/batch", json={"batch": [7]}, auth=AUTH)
        assert_refused(bad, 503, "unavailable")
        assert (await client.get("/readyz")).json()["dependencies"]["kafka"] == "down"

        await asyncio.to_thread(broker.start)
        await until_connected(client)
        assert (await client.post("/v1/track", json=EVENT, auth=AUTH)).status_code == 200
        assert "m1" in await events_of(broker)

        broker.kill()
        lost = await client.post("/v1/track", json={**EVENT, "messageId": "m2"}, auth=AUTH)
        assert_refused(lost, 503, "unavailable")
