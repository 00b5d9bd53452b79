"""The brokers that must all behave as the contract says, started and killed by the tests."""

import itertools
import os
import socket
import subprocess
import time
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from infra.embedded.apache_kafka import apache_kafka_part
from infra.embedded.ports import free_ports
from tests.harness.tansu import PATIENCE_S, Broker

_numbers = itertools.count(1)


class ContractBroker(Broker):
    """A broker several tests share: each takes Kafka topics of its own."""

    name: str
    keeps_log: bool
    """Whether what it acknowledged is still there after it was killed and started again."""
    gives_producer_ids: bool

    def fresh_name(self) -> str:
        """A name no Kafka topic or group has yet."""
        return f"contract-{next(_numbers)}"

    def new_topic(self, partitions: int) -> str:
        """Creates a Kafka topic; a broker that forgets has it again after `start`."""
        name = self.fresh_name()
        self._topics[name] = partitions
        self._create([name])
        return name

    def delete_topic(self, name: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=[self.address])
        try:
            admin.delete_topics([name])
            latest = time.monotonic() + PATIENCE_S
            while name in admin.list_topics():
                assert time.monotonic() < latest, f"{name} is still there"
        finally:
            admin.close()

    def _create(self, names: list[str]) -> None:
        admin = KafkaAdminClient(bootstrap_servers=[self.address])
        try:
            admin.create_topics([NewTopic(name, self._topics[name], 1) for name in names])
        finally:
            admin.close()


class TansuBroker(ContractBroker):
    """In memory."""

    name = "tansu"
    keeps_log = False
    gives_producer_ids = False


class ApacheBroker(ContractBroker):
    """On disk."""

    name = "apache"
    keeps_log = True
    gives_producer_ids = True

    def __init__(self, folder: Path) -> None:
        super().__init__({})
        self._folder = folder
        (self._controller_port,) = free_ports(1)

    def start(self) -> None:
        part = apache_kafka_part(
            self.port, self._controller_port, self._folder, self._folder, self.settings()
        )
        with part.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                part.command,
                stdout=output,
                stderr=output,
                env={**os.environ, **part.environment},
            )
        latest = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, part.log_file.read_text()
            assert time.monotonic() < latest, "the broker does not answer"

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
            return False
        try:
            KafkaAdminClient(bootstrap_servers=[self.address]).close()
        except KafkaError:
            return False
        return True
