"""Decisions postponed by quiet hours, decided again when they end."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace
from xxhash import xxh3_128_hexdigest

from schemas.decisions import Decisions, Waiting
from schemas.effect import Effect, SetDeadline
from streams.triggers.candidate import Cause

MAX_WAITING = 5
"""Maximum of waiting decisions; beyond it the oldest are dropped."""

Armed = tuple[Decisions, Sequence[Effect]]
"""The memory with its deadlines, and the effects that set them."""

QUIET_KIND = "|quiet"
"""Kind of the deadline at which quiet hours end. No trigger is called so: names have no `|`."""

MAX_CAUSE_LENGTH = 1024
"""Characters; of a longer cause (a message id of any length may be in it) its hash is kept."""


def postpone(decisions: Decisions, rule: str, cause: Cause, until: int) -> Armed:
    """The memory in which the decision waits for `until`; of a rule and topic only the latest."""
    waiting = Waiting(
        rule,
        cause.type,
        _short(cause.cause),
        until,
        cause.occurred_at,
        cause.reason,
        cause.why,
        cause.topic,
        cause.stage,
    )
    kept = (*decisions.waiting, waiting)
    return arm_morning(replace(decisions, waiting=latest_of(kept)))


def _short(cause: str) -> str:
    if len(cause) <= MAX_CAUSE_LENGTH:
        return cause
    return xxh3_128_hexdigest(cause.encode("utf-8", "surrogatepass"))


def latest_of(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """At most `MAX_WAITING`, of each rule and topic the last."""
    by_matter: dict[tuple[str, str | None], Waiting] = {}
    for one in waiting:
        by_matter.pop((one.rule, one.topic), None)
        by_matter[one.rule, one.topic] = one
    return tuple(by_matter.values())[-MAX_WAITING:]


def arm_morning(decisions: Decisions) -> Armed:
    """The memory with a deadline at which the first of the waiting decisions is taken again."""
    due = min((one.until for one in decisions.waiting), default=None)
    pending = decisions.deadlines.get(QUIET_KIND)
    if due is None or (pending is not None and pending <= due):
        return decisions, ()
    deadlines = {**decisions.deadlines, QUIET_KIND: due}
    return replace(decisions, deadlines=deadlines), (SetDeadline(QUIET_KIND, due),)


def cause_again(one: Waiting, now: int) -> Cause:
    """The cause of the second decision at `now` (milliseconds): with an id of its own, because the
    first one stands in the archive."""
    return Cause(
        type=one.type,
        cause=f"{one.cause}\x1f{one.until}",
        occurred_at=one.occurred_at,
        decided_at=now,
        reason=one.reason,
        why={**one.why, "waited_until": one.until},
        topic=one.topic,
        stage=one.stage,
    )
