"""`python -m api` as a process: what it says of wrong settings, and how it stops."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from infra.kafka.names import EVENTS, KAFKA_TOPICS
from tests.harness.paths import ROOT
from tests.harness.tansu import Broker


def start(**settings: str) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if "DAEHWA" not in name}
    environment |= {f"DAEHWA_{name.upper()}": value for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "api"], cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"port": "many"}, "DAEHWA_PORT"), ({"playbook": "/nowhere.yaml"}, "/nowhere.yaml:1")],
)
def test_wrong_settings_are_one_sentence_and_exit_code_2(
    settings: dict[str, str], says: str
) -> None:
    process = start(**settings)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert output == ""
    (sentence,) = errors.splitlines()
    assert sentence.startswith(says)


async def test_a_request_under_way_is_finished_before_it_stops() -> None:
    broker = Broker(dict.fromkeys(KAFKA_TOPICS, 1))
    await asyncio.to_thread(broker.start)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(
        kafka_url=f"kafka://{broker.address}", port=str(port), partitions="1",
        write_keys="WK=shop", linger_ms="1000", api_token="secret",
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            async with asyncio.timeout(20):
                while True:
                    try:
                        ready = await client.get("/readyz")
                    except httpx.ConnectError:
                        continue
                    if ready.json()["dependencies"]["kafka"] == "up":
                        break
            event = {"userId": "u", "event": "E", "messageId": "last", "writeKey": "WK"}
            under_way = asyncio.create_task(client.post("/v1/track", json=event))
            feed = client.stream(
                "GET", "/v1/triggers/stream", headers={"Authorization": "Bearer secret"}
            )
            async with feed as stream:
                assert stream.status_code == 200
                assert (await client.get("/healthz")).status_code == 200
                assert not under_way.done()
                process.send_signal(signal.SIGTERM)
                assert (await under_way).status_code == 200
        assert await asyncio.to_thread(process.wait, 10) is not None
        ((_, value),) = (await asyncio.to_thread(broker.records, EVENTS))[0]
        assert b'"last"' in value
    finally:
        process.kill()
        process.communicate()
        broker.kill()
