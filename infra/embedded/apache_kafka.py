"""Apache Kafka as a part of the stack: one process, KRaft, its log kept on disk.

The default embedded broker is in `kafka.py`; guarantees are tested on this one, too.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.kafka import topics_exist
from infra.embedded.process import Part, PartFailedError
from infra.settings import Settings

JARS = Path(__file__).parents[2] / "build" / "apache-kafka"
"""Where `make kafka` puts the server."""

_CLUSTER_ID = "daehwaDaehwaDaehwaAAAA"
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.showDateTime=true")
_FORMAT_AND_START = """
set -e
test -e "$DAEHWA_KAFKA_DATA/meta.properties" ||
  "$DAEHWA_JAVA" -Xmx128m "$@" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    kafka.tools.StorageTool format --ignore-formatted \
    --cluster-id "$DAEHWA_KAFKA_CLUSTER" --config "$DAEHWA_KAFKA_PROPERTIES"
exec "$DAEHWA_JAVA" -Xms128m -Xmx512m "$@" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  kafka.Kafka "$DAEHWA_KAFKA_PROPERTIES"
"""


def apache_kafka_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the settings choose Apache Kafka as the embedded broker:
    `DAEHWA_EMBEDDED_KAFKA=apache`.

    `PartFailedError` for a name that no embedded broker has."""
    name = environment.get("DAEHWA_EMBEDDED_KAFKA") or "tansu"
    if name not in ("tansu", "apache"):
        raise PartFailedError(f"DAEHWA_EMBEDDED_KAFKA={name!r}: write tansu or apache")
    return name == "apache"


def missing() -> str:
    """What is missing to start it and how to install it, in one sentence; empty when complete."""
    if _java() is None:
        return "Apache Kafka needs Java 17 or newer on the PATH"
    if not (JARS / ".ready").exists():
        return "Apache Kafka is not here yet: run make kafka"
    return ""


def apache_kafka_part(
    port: int, controller_port: int, folder: Path, logs: Path, settings: Settings
) -> Part:
    """A broker on loopback that keeps its log in `folder`, also when it is killed. Ready when the
    topics are there. `PartFailedError` where it is not installed."""
    lacking = missing()
    if lacking:
        raise PartFailedError(lacking)
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(_properties(port, controller_port, folder / "data"), encoding="utf-8")

    def answers() -> bool:
        # A plain connection: kafka-python would back off for long while it starts.
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return topics_exist(settings)

    async def ready() -> bool:
        return await asyncio.to_thread(answers)

    return Part(
        name="kafka",
        command=("/bin/sh", "-c", _FORMAT_AND_START, "kafka", *_JVM, "-cp", f"{JARS}{os.sep}*"),
        environment={
            "DAEHWA_JAVA": str(_java()),
            "DAEHWA_KAFKA_CLUSTER": _CLUSTER_ID,
            "DAEHWA_KAFKA_DATA": str(folder / "data"),
            "DAEHWA_KAFKA_PROPERTIES": str(properties),
        },
        log_file=logs / "kafka.log",
        ready=ready,
    )


def _properties(port: int, controller_port: int, data: Path) -> str:
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": data,
        # Daehwa creates its topics, with its number of partitions.
        "auto.create.topics.enable": "false",
        "min.insync.replicas": 1,
        "offsets.topic.num.partitions": 3,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Usually one worker a group: no delay for others to join.
        "group.initial.rebalance.delay.ms": 0,
        # A killed broker can register again after this time-out of its former session.
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 2000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.recovery.threads.per.data.dir": 1,
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    return shutil.which("java")
