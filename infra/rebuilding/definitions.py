"""The definitions that the archived log refers to."""

import asyncio

from kafka.errors import KafkaError
from redis.asyncio import Redis

from infra.kafka.definition_tail import DefinitionTail
from infra.playbook.active_definitions import DEFAULT_CHURN, ActiveDefinitions, Compiler
from infra.redis.definition_copy import DefinitionCopy
from infra.settings import Settings
from streams.definitions.definitions import Adoption, Definitions
from streams.playbook.compiled import CompiledPlaybook

ANSWERS_WITHIN_S = 20.0


async def read_definitions(settings: Settings, redis: Redis) -> Definitions:
    """The definitions on Kafka; where it has none, the copy in Redis. Raises `KafkaError`,
    `RedisError` or `OSError`."""
    tail = DefinitionTail(settings)
    await tail.start()
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            await tail.until_live()
    except TimeoutError:
        raise KafkaError("does not give its definitions") from None
    finally:
        await tail.stop()
    if tail.known.kinds:
        return tail.known
    return Definitions(await DefinitionCopy(redis).read())


class Definers:
    """The active definitions of a replay, at its beginning and after each control record."""

    def __init__(self, known: Definitions, otherwise: CompiledPlaybook) -> None:
        """`otherwise` is the playbook where none was ever published."""
        self.known = known
        self._otherwise = otherwise
        self._compiler = Compiler(otherwise)

    def first(self) -> ActiveDefinitions:
        """At the beginning of a log."""
        found = self._compiler.standing(self.known, {})
        return found or ActiveDefinitions(self._otherwise, DEFAULT_CHURN, {})

    def after(self, active: ActiveDefinitions, adoption: Adoption) -> ActiveDefinitions:
        """After a control record; one whose definition is lost changes nothing."""
        return self._compiler.after(active, self.known, adoption) or active
