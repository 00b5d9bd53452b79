"""What a request may use: made once when the API starts, kept at `app.state.parts`."""

from fastapi import Request

from infra.kafka.log_writer import LogWriter
from infra.redis.connecting import redis_client
from infra.settings import Settings
from streams.playbook import CompiledPlaybook


class Parts:
    """The settings of one API process, its playbook and its connections."""

    def __init__(self, settings: Settings, playbook: CompiledPlaybook) -> None:
        self.settings = settings
        self.playbook = playbook
        self.writer = LogWriter(settings)
        self.redis = redis_client(settings)

    async def start(self) -> None:
        """Connects; does not fail for a neighbour that is away."""
        await self.writer.start()

    async def stop(self) -> None:
        """Waits for what is on its way to Kafka, then closes every connection."""
        await self.writer.stop()
        await self.redis.aclose()


def parts_of(request: Request) -> Parts:
    """The parts of the app that serves this request (a FastAPI dependency)."""
    parts: Parts = request.app.state.parts
    return parts
