"""A second copy of the definitions, for in-memory brokers: the state in Redis refers to its
definitions, so they have to survive with it."""

from collections.abc import Iterable

import structlog
from msgspec.structs import replace
from redis.asyncio import Redis

from infra.redis.keys import definitions_key
from schemas.definition import Definition
from streams.codec.codec import UNREADABLE
from streams.definitions.definitions import Definitions, decode_definition, encode_definition

log = structlog.get_logger()


class DefinitionCopy:
    """Definitions by name. Every method may raise `RedisError` or `OSError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._unreadable: set[str] = set()
        """Names of entries that `read` could not decode; treated as missing."""

    async def keep(self, known: Definitions) -> None:
        """Adds missing and unreadable ones."""
        held = {_text(field) for field in await self._redis.hkeys(definitions_key())}
        held -= self._unreadable
        missing = {
            name: encode_definition(definition)
            for definition in known
            if (name := _name(definition)) not in held
        }
        if missing:
            await self._redis.hset(definitions_key(), mapping=missing)
            self._unreadable -= missing.keys()

    async def read(self) -> list[Definition]:
        """All readable definitions, oldest first. Unreadable ones are logged: Kafka, which has them
        all, is read first, and `keep` writes them again."""
        found: list[Definition] = []
        for field, value in (await self._redis.hgetall(definitions_key())).items():
            try:
                found.append(decode_definition(value))
            except UNREADABLE as problem:
                name = _text(field)
                if name not in self._unreadable:
                    self._unreadable.add(name)
                    log.error("a definition's copy in Redis is unreadable, treated as missing",
                              name=name, problem=str(problem))  # fmt: skip
        found.sort(key=lambda definition: definition.at)
        return _in_line(found) if self._unreadable else found


def _in_line(definitions: Iterable[Definition]) -> list[Definition]:
    """The same with gaps: all had been accepted, so one that replaces a missing version is
    accepted."""
    latest: dict[str, str] = {}
    found = []
    for definition in definitions:
        gap = definition.replaces not in (None, latest.get(definition.kind, ""))
        found.append(replace(definition, replaces=None) if gap else definition)
        latest[definition.kind] = definition.version
    return found


def _text(field: bytes) -> str:
    return field.decode("utf-8", "backslashreplace")


def _name(definition: Definition) -> str:
    return f"{definition.kind}:{definition.version}@{definition.at}"
