"""Loads the active definitions of a partition: by its watermark, then at each control record."""

import asyncio
from collections.abc import Callable

import structlog

from infra.dependencies import retry_until_available
from infra.kafka.definition_tail import DefinitionTail
from infra.metrics import DEFINITIONS_ADOPTED
from infra.playbook.active_definitions import ActiveDefinitions, Compiler
from streams.codec.codec import UNREADABLE
from streams.definitions.definitions import Adoption, Definitions, decode_in_force
from streams.playbook.compiled import CompiledPlaybook

SOON_S = 1.0
"""Time-out for a definition that the log refers to."""

log = structlog.get_logger()


class MissingDefinitionError(Exception):
    """The log refers to a definition that is not published."""


class DefinitionLoader:
    """Definitions for the folders of one worker. Waits for unseen ones."""

    def __init__(self, tail: DefinitionTail, otherwise: CompiledPlaybook) -> None:
        self._tail = tail
        self._compiler = Compiler(otherwise)

    async def standing(self, in_force: str) -> ActiveDefinitions:
        """The active definitions of a partition with this watermark."""
        try:
            said = decode_in_force(in_force)
        except UNREADABLE as problem:
            log.error("the watermark's definitions are unreadable", problem=str(problem))
            said = {}
        named = in_force or "the first playbook"
        return await self._found(named, lambda known: self._compiler.standing(known, said))

    async def after(self, active: ActiveDefinitions, adoption: Adoption) -> ActiveDefinitions:
        """The active definitions of a partition after this control record."""
        named = f"{adoption.kind} {adoption.version}"
        after = await self._found(
            named, lambda known: self._compiler.after(active, known, adoption)
        )
        if after is not active:
            DEFINITIONS_ADOPTED.labels(adoption.kind).inc()
            log.info("adopted", kind=adoption.kind, version=adoption.version)
        return after

    async def _found(
        self, named: str, answer: Callable[[Definitions], ActiveDefinitions | None]
    ) -> ActiveDefinitions:
        async def attempt() -> ActiveDefinitions:
            try:
                async with asyncio.timeout(SOON_S):
                    return await self._tail.until(answer)
            except TimeoutError:
                raise MissingDefinitionError(f"{named} is not on the Kafka topic yet") from None

        return await retry_until_available(
            "definitions", attempt, lambda problem: isinstance(problem, MissingDefinitionError)
        )
