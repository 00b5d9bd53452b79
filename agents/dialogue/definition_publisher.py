"""Publishes definitions and puts them in force: the first playbook, a changed file, definitions
lost with a broker, and missing control records of an adoption."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

import structlog

from infra.dependencies import retry_until_available
from infra.kafka.definition_tail import DefinitionTail
from infra.kafka.definitions import DefinitionWriter, ReplacedError, publish_again
from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from infra.redis.definition_copy import DefinitionCopy
from infra.redis.state_store import is_unavailable
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.definition import FROM_FILE, PLAYBOOK, Definition
from streams.definitions.definitions import Definitions, version_of

LOOK_S = 1.0
"""Polling interval, seconds."""

COPY_AGAIN = 30
"""Polls between two checks of the copy in Redis: Redis may have lost it."""

PATIENCE_S = 10.0
"""Time-out after which a missing control record is appended for its partition."""

T = TypeVar("T")

log = structlog.get_logger()


class DefinitionHolder(Protocol):
    """A partition's folder."""

    def adopted_at(self, kind: str) -> int:
        """`Definition.at` of the definition in force there, 0 for none."""
        ...


class DefinitionPublisher:
    """Publishes definitions for one dialogue worker."""

    def __init__(
        self,
        settings: Settings,
        writer: LogWriter,
        tail: DefinitionTail,
        copy: DefinitionCopy,
        owned: Callable[[], Mapping[int, DefinitionHolder]],
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._tail = tail
        self._copy = copy
        self._owned = owned
        self._definitions = DefinitionWriter(writer, tail, settings.partitions)
        self._begun = False
        self._kept: tuple[Definitions, int] | None = None
        self._behind: dict[tuple[int, str, int], float] = {}
        """(partition, kind, `Definition.at`) -> since when it is not in force there; `inf` once its
        control record was appended."""

    async def begin(self) -> None:
        """Returns when a playbook is published. Waits while Kafka or Redis is unavailable."""
        if self._begun:
            return
        await self._tail.until_live()
        await self._restore()
        await self._follow_file()
        await self._tail.until(lambda known: known.first(PLAYBOOK))
        self._begun = True

    async def run(self) -> None:
        """Polls until cancelled."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_S)
            looks += 1
            if looks % COPY_AGAIN == 0:
                self._kept = None
            if self._begun:
                await self._keep_copy()
                await self._complete()

    async def _restore(self) -> None:
        """Publishes definitions again that the broker has lost and Redis has."""
        remembered = await retry_until_available("redis", self._copy.read, is_unavailable)
        known = self._tail.known
        missing = [one for one in remembered if known.latest(one.kind) is None]
        if not missing:
            return
        log.warning("Kafka has no definitions; publishing the copy in Redis")
        for definition in missing:
            await _up(partial(publish_again, self._writer, definition))
        last = {definition.kind: definition.at for definition in missing}

        def all_there(known: Definitions) -> bool | None:
            latest = {kind: known.latest(kind) for kind in last}
            return all(one and one.at >= last[kind] for kind, one in latest.items()) or None

        await self._tail.until(all_there)

    async def _follow_file(self) -> None:
        """Publishes the playbook of the settings if it is the first, and adopts it if the file has
        changed since the last publication."""
        settings = self._settings
        content = await asyncio.to_thread(settings.playbook.read_text, encoding="utf-8")
        known = self._tail.known
        latest = known.latest(PLAYBOOK)
        from_file = [one for one in known.history(PLAYBOOK) if one.by == FROM_FILE]
        if latest is None:
            await self._adopt(content, "")
        elif not from_file or from_file[-1].version != version_of(content):
            if latest.by != FROM_FILE and settings.playbook == SHIPPED_PLAYBOOK:
                return
            log.warning(
                "the playbook's file has changed: it is adopted",
                file=str(settings.playbook), before=latest.version, by=latest.by,
            )  # fmt: skip
            await self._adopt(content, latest.version)

    async def _adopt(self, content: str, replaces: str) -> None:
        try:
            await _up(
                partial(self._definitions.adopt, PLAYBOOK, content, FROM_FILE, replaces=replaces)
            )
        except ReplacedError as other:
            log.info("another worker published first", adopted=other.latest.version)

    async def _keep_copy(self) -> None:
        known = self._tail.known
        if self._kept != (known, known.count):
            await retry_until_available("redis", lambda: self._copy.keep(known), is_unavailable)
            self._kept = (known, known.count)

    async def _complete(self) -> None:
        """Appends missing control records: the process that adopted may have died on the way."""
        now = asyncio.get_running_loop().time()
        known = self._tail.known
        latest = [found for kind in known.kinds if (found := known.latest(kind)) is not None]
        behind: dict[tuple[int, str, int], float] = {}
        for partition, folder in list(self._owned().items()):
            for definition in latest:
                in_force_at = folder.adopted_at(definition.kind)
                if in_force_at >= definition.at:
                    continue
                name = (partition, definition.kind, definition.at)
                behind[name] = since = self._behind.get(name, now)
                if now - since >= PATIENCE_S:
                    await self._append(definition, partition)
                    behind[name] = float("inf")
        self._behind = behind

    async def _append(self, definition: Definition, partition: int) -> None:
        log.info("appending a control record", partition=partition, version=definition.version)
        await _up(partial(self._definitions.put_on_log, definition, [partition]))


async def _up(attempt: Callable[[], Awaitable[T]]) -> T:
    return await retry_until_available(
        "kafka", attempt, lambda problem: isinstance(problem, KafkaUnavailable)
    )
