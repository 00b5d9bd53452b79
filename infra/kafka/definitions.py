"""Publishes definitions and puts them in force on the log."""

import asyncio
from collections.abc import Iterable

from infra.clock import now_ms
from infra.kafka.definition_tail import DefinitionTail
from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from infra.kafka.names import DEFINITIONS, EVENTS
from infra.settings import Settings
from schemas.definition import PLAYBOOK, Definition
from streams.codec.codec import encode_event
from streams.definitions.definitions import Definitions, adopt_event, encode_definition, version_of

SEEN_WITHIN_S = 10.0
"""Time-out until a published definition can be read back."""


class ReplacedError(Exception):
    """A concurrent publication replaced the base version."""

    def __init__(self, latest: Definition) -> None:
        super().__init__(f"{latest.kind} is {latest.version} by now, from {latest.by}")
        self.latest = latest


class DefinitionWriter:
    """Adopts definitions: events appended after the answer are decided by them."""

    def __init__(self, writer: LogWriter, tail: DefinitionTail, partitions: int) -> None:
        self._writer = writer
        self._tail = tail
        self._partitions = partitions

    async def adopt(
        self, kind: str, content: str, by: str, *, replaces: str | None = None
    ) -> Definition:
        """Publishes the content and appends the control record to every partition of the log.

        `replaces` is the base version of the change, `""` for none; None: the latest. Adopting the
        latest version again only completes its control records. Raises `ReplacedError` where
        another version is the latest, and `KafkaUnavailable`: a retry is idempotent.
        """
        version = version_of(content)
        try:
            async with asyncio.timeout(SEEN_WITHIN_S):
                await self._tail.until_live()
                latest = self._tail.known.latest(kind)
                if latest is None or latest.version != version:
                    if latest is not None and replaces not in (None, latest.version):
                        raise ReplacedError(latest)
                    latest = await self._publish(kind, version, content, by, latest)
        except TimeoutError:
            raise KafkaUnavailable("Kafka does not give the definitions") from None
        # A log begins with the first playbook: no control record is needed.
        if kind != PLAYBOOK or latest != self._tail.known.first(kind):
            await self.put_on_log(latest, range(self._partitions))
        return latest

    async def put_on_log(self, definition: Definition, partitions: Iterable[int]) -> None:
        """Appends the control records; `KafkaUnavailable` when one was not acknowledged."""
        now = now_ms()
        await asyncio.gather(
            *(
                self._writer.append(
                    EVENTS, partition, encode_event(adopt_event(definition, partition, now))
                )
                for partition in partitions
            )
        )

    async def _publish(
        self, kind: str, version: str, content: str, by: str, before: Definition | None
    ) -> Definition:
        definition = Definition(
            kind=kind,
            version=version,
            content=content,
            at=max(now_ms(), 0 if before is None else before.at + 1),
            by=by,
            replaces="" if before is None else before.version,
        )
        await publish_again(self._writer, definition)

        def next_one(known: Definitions) -> Definition | None:
            history = known.history(kind)
            after = [found for found in history if before is None or found.at > before.at]
            return after[0] if after else None

        found = await self._tail.until(next_one)
        if found != definition:
            raise ReplacedError(found)
        return definition


async def publish_again(writer: LogWriter, definition: Definition) -> None:
    """Appends a definition as it is. Raises `KafkaUnavailable`."""
    key = f"{definition.kind}:{definition.version}@{definition.at}".encode()
    await writer.append(DEFINITIONS, 0, encode_definition(definition), key)


async def publish(settings: Settings, kind: str, content: str, by: str) -> Definition:
    """Adopts one definition over a connection of its own, for commands. Raises `KafkaUnavailable`,
    `ReplacedError`.

    Example: `asyncio.run(publish(settings, CHURN_MODEL, json_of_a_BgNbd, "daehwa fit"))`.
    """
    writer, tail = LogWriter(settings), DefinitionTail(settings)
    await writer.start()
    await tail.start()
    try:
        return await DefinitionWriter(writer, tail, settings.partitions).adopt(kind, content, by)
    finally:
        await tail.stop()
        await writer.stop()
