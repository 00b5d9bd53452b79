"""Dependencies of the API: built once at start, kept at `app.state.parts`."""

from fastapi import Request

from api.origins import AllowedOrigins
from api.rates import Rates
from infra.kafka.definition_tail import DefinitionTail
from infra.kafka.definitions import DefinitionWriter
from infra.kafka.envelopes import EnvelopeWriter
from infra.kafka.log_writer import LogWriter
from infra.kafka.names import EVENTS
from infra.kafka.trigger_tail import TriggerTail
from infra.playbook.latest_models import LatestModels
from infra.playbook.latest_playbook import LatestPlaybook
from infra.redis.alias_index import AliasIndex
from infra.redis.connecting import redis_client
from infra.redis.learned_topics import LearnedTopics
from infra.redis.partition_halts import PartitionHalts
from infra.redis.profile_reader import ProfileReader
from infra.settings import Settings
from infra.sources.our_numbers import our_numbers
from infra.sources.sources import Sources
from streams.playbook.compiled import CompiledPlaybook


class Parts:
    """The settings of one API process, its playbook and its connections."""

    def __init__(self, settings: Settings, playbook: CompiledPlaybook) -> None:
        self.settings = settings
        self.definitions = DefinitionTail(settings)
        self.latest_playbook = LatestPlaybook(self.definitions, playbook)
        self.models = LatestModels(self.definitions)
        self.scrub = settings.scrubbing.scrub
        self.origins = AllowedOrigins(settings.allowed_origins)
        self.rates = Rates(settings.rate_limit)
        self.sources = Sources(settings.sources, settings.region, our_numbers=our_numbers(settings))
        self.writer = LogWriter(settings, compressed=True)
        self.events = EnvelopeWriter(self.writer, EVENTS, settings.partitions, settings.linger_ms)
        self.triggers = TriggerTail(settings)
        self.redis = redis_client(settings)
        self.halts = PartitionHalts(self.redis)
        self.profiles = ProfileReader(self.redis, settings.partitions)
        self.aliases = AliasIndex(self.redis)
        self.learned = LearnedTopics(self.profiles)
        self.definition_writer = DefinitionWriter(
            self.writer, self.definitions, settings.partitions
        )

    @property
    def playbook(self) -> CompiledPlaybook:
        """The playbook adopted last; the settings' until definitions are read."""
        return self.latest_playbook()

    async def start(self) -> None:
        """Connects; an unavailable dependency is no failure."""
        await self.writer.start()
        await self.triggers.start()
        await self.definitions.start()

    async def end_feeds(self) -> None:
        """Ends the trigger feeds, which are endless."""
        await self.triggers.stop()

    async def stop(self) -> None:
        """Flushes the Kafka producer, then closes every connection."""
        await self.end_feeds()
        await self.events.stop()
        await self.definitions.stop()
        await self.writer.stop()
        await self.learned.stop()
        await self.redis.aclose()


def parts_of(request: Request) -> Parts:
    """The parts of the app that serves this request (a FastAPI dependency)."""
    parts: Parts = request.app.state.parts
    return parts
