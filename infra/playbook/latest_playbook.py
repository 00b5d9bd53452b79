"""The playbook adopted last, for readers: API, archive, delivery."""

import asyncio
from contextlib import suppress

from infra.kafka.definition_tail import DefinitionTail
from infra.playbook.active_definitions import Compiler
from schemas.definition import PLAYBOOK, Definition
from streams.definitions.definitions import Definitions
from streams.playbook.compiled import CompiledPlaybook

KNOWN_WITHIN_S = 10.0


class LatestPlaybook:
    """A callable that returns the compiled playbook; that of the settings until definitions are
    read."""

    def __init__(self, tail: DefinitionTail, until_then: CompiledPlaybook) -> None:
        self._tail = tail
        self._compiler = Compiler(until_then)
        self._playbook = until_then
        self._seen: tuple[Definitions, int] | None = None
        self.definition: Definition | None = None
        """Its definition as of the latest call; None for that of the settings."""

    async def until_known(self, version: str) -> None:
        """Returns when a playbook of that version was read, at once for `""`, or after a
        time-out."""
        if not version or self._tail.known.find(PLAYBOOK, version) is not None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_WITHIN_S):
                await self._tail.until(lambda known: known.find(PLAYBOOK, version))

    def __call__(self) -> CompiledPlaybook:
        """The playbook as of now; one look-up while nothing was adopted."""
        known = self._tail.known
        seen = (known, known.count)
        if seen != self._seen:
            self._seen = seen
            found = self._compiler.latest_playbook(known)
            if found is not None:
                self.definition = found
                self._playbook = self._compiler.playbook(found)
        return self._playbook
