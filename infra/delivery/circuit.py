"""Per-endpoint circuit breaker; an open circuit admits one probe at a time."""

from typing import Literal

import msgspec

OPENS_AFTER = 5
"""Consecutive failures that open the circuit."""

_FIRST_PAUSE_MS = 1_000
_MAX_PAUSE_MS = 60_000

Mode = Literal["closed", "probing", "open", "disabled"]
"""`closed`: no limit; `probing`: one at a time; `open`: none for now; `disabled`: none until an
operator enables it."""

MODES: tuple[Mode, ...] = ("closed", "probing", "open", "disabled")


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """State of an endpoint, shared by all workers. Times are milliseconds since 1970."""

    failures: int = 0
    """In a row."""
    not_before: int = 0
    """End of the open state."""
    disabled_at: int = 0
    detail: str = ""
    """Text of the latest failure."""


NEW = EndpointState()


def mode(state: EndpointState, now: int) -> Mode:
    """The phase at `now` (milliseconds)."""
    if state.disabled_at:
        return "disabled"
    if state.not_before > now:
        return "open"
    return "probing" if state.failures >= OPENS_AFTER else "closed"


def after_failure(
    state: EndpointState, now: int, detail: str, retry_after: float | None = None
) -> EndpointState:
    """The state after a failure at `now`; `retry_after` (seconds) as the receiver asked."""
    # Failures of attempts under way when the circuit opened do not prolong it.
    known = mode(state, now) == "open" and state.failures >= OPENS_AFTER
    failures = state.failures if known else state.failures + 1
    not_before = state.not_before
    if failures >= OPENS_AFTER and not known:
        doubled = min(failures - OPENS_AFTER, 16)
        not_before = max(not_before, now + min(_FIRST_PAUSE_MS << doubled, _MAX_PAUSE_MS))
    if retry_after is not None:
        not_before = max(not_before, now + int(retry_after * 1000))
    return EndpointState(
        failures=failures, not_before=not_before, disabled_at=state.disabled_at, detail=detail
    )


def disabled(state: EndpointState, now: int, detail: str) -> EndpointState:
    """The state after the endpoint answered 410."""
    return EndpointState(failures=state.failures, disabled_at=now, detail=detail)
