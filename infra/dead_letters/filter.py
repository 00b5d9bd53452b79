"""Filter of dead letters."""

from typing import Any

import msgspec

from schemas.dead_letter import DeadLetterReason, DeadLetterState
from streams.archive.tables import EARLIEST, LATEST


class DeadLetterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that match every field that is set."""

    ids: tuple[str, ...] = ()
    reason: DeadLetterReason | None = None
    state: DeadLetterState | None = "open"
    since: int | None = None
    """Milliseconds: found then or later."""
    until: int | None = None
    """Milliseconds: found before."""
    origin: str | None = None
    """Prefix of the origin: `collector:shop`, `daehwa.events/3/`…"""

    def condition(self) -> tuple[str, dict[str, Any]]:
        """The condition in ClickHouse's SQL over `daehwa.dead_letters`, and its parameters."""
        parts = ["1"]
        values: dict[str, Any] = {}
        if self.ids:
            parts.append("id IN %(ids)s")
            values["ids"] = self.ids
        if self.reason is not None:
            parts.append("reason = %(reason)s")
            values["reason"] = self.reason
        if self.state is not None:
            parts.append("state = %(state)s")
            values["state"] = self.state
        if self.since is not None:
            parts.append("at >= fromUnixTimestamp64Milli(%(since)s, 'UTC')")
            values["since"] = _bounded(self.since)
        if self.until is not None:
            parts.append("at < fromUnixTimestamp64Milli(%(until)s, 'UTC')")
            values["until"] = _bounded(self.until)
        if self.origin is not None:
            parts.append("startsWith(origin, %(origin)s)")
            values["origin"] = self.origin
        return " AND ".join(parts), values


def _bounded(at: int) -> int:
    return min(max(at, EARLIEST), LATEST)
