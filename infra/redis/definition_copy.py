"""A second copy of the definitions, for brokers that forget what they hold: the state in Redis
names the definitions it was made by, so what survives with it has to be theirs too."""

from redis.asyncio import Redis

from infra.redis.keys import definitions_key
from schemas.definition import Definition
from streams.definitions import Definitions, decode_definition, encode_definition


class DefinitionCopy:
    """Definitions by name. Every method may raise `RedisError` or `OSError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def keep(self, known: Definitions) -> None:
        """Adds those that are missing."""
        held = {field.decode() for field in await self._redis.hkeys(definitions_key())}
        missing = {
            name: encode_definition(definition)
            for definition in known
            if (name := _name(definition)) not in held
        }
        if missing:
            await self._redis.hset(definitions_key(), mapping=missing)

    async def read(self) -> list[Definition]:
        """All of them, the oldest first. `UNREADABLE` where one is unreadable."""
        values = await self._redis.hvals(definitions_key())
        return sorted((decode_definition(value) for value in values), key=lambda found: found.at)


def _name(definition: Definition) -> str:
    return f"{definition.kind}:{definition.version}@{definition.at}"
