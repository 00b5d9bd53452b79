"""Which groups of facts an event has changed, so that an expression is looked at only then.

Every group has a test of its own. A playbook is compiled to the tests of the groups that it asks
for, and an event pays for no other.
"""

from collections.abc import Callable, Iterable, Sequence

from schemas.profile import Dialogue, Profile
from streams.playbook.matching import Match
from streams.profile.dialogues import last_at
from streams.segments.facts import Group
from streams.values.purchase_days import DAY

Test = Callable[
    [Profile, Profile, bool, Sequence[Match], Sequence[Dialogue | None], int], bool
]  # fmt: skip
"""(before, after, order, matches, the matched dialogues before, now) -> whether it can differ."""

Watched = tuple[Group, Test]


def watched(groups: Iterable[str]) -> tuple[Watched, ...]:
    """The tests of these groups, always in the same order; `relationship`, `segments` and `cause`
    have none: they follow from the others."""
    asked = set(groups)
    return tuple((group, test) for group, test in _TESTS.items() if group in asked)


def changed_groups(
    tests: Iterable[Watched],
    before: Profile,
    after: Profile,
    order: bool,
    matches: Sequence[Match],
    earlier: Sequence[Dialogue | None],
    now: int,
) -> list[Group]:
    """The groups in which an event received at `now` (milliseconds) can have changed a fact.

    `earlier` are the dialogues of the `matches` before the event.
    """
    changed: list[Group] = []
    for group, test in tests:
        if test(before, after, order, matches, earlier, now):
            changed.append(group)
    return changed


def _first(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return not before.lifecycle.events


def _identity(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return after.known is not before.known or not before.lifecycle.events


def _traits(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return after.traits is not before.traits


def _consent(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return after.consent is not before.consent


def _order(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return order


def _topics(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return None in earlier


def _stages(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    for match, one in zip(matches, earlier, strict=True):
        if one is None or match.stage not in one.stages:
            return True
    return False


def _complaints(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    for match in matches:
        if match.place[0] == "complaint":
            return True
    # A dialogue that was given up may have been a complaint.
    return after.quiet_dialogues != before.quiet_dialogues


def _referrals(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    for match in matches:
        family, stage = match.place
        if family == "referral" or stage == "referred":
            return True
    return after.quiet_dialogues != before.quiet_dialogues


def _dialogues(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return bool(matches)


def _visits(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return True


def _time(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    life = before.lifecycle
    return order or now - life.last_seen >= DAY or after.lifecycle.first_seen != life.first_seen


def _quiet(
    before: Profile, after: Profile, order: bool,
    matches: Sequence[Match], earlier: Sequence[Dialogue | None], now: int,
) -> bool:  # fmt: skip
    return any(one is None or now - last_at(one) >= DAY for one in earlier) or _time(
        before, after, order, matches, earlier, now
    )


_TESTS: dict[Group, Test] = {
    "first": _first,
    "identity": _identity,
    "traits": _traits,
    "consent": _consent,
    "purchases": _order,
    "models": _order,
    "topics": _topics,
    "stages": _stages,
    "complaints": _complaints,
    "referrals": _referrals,
    "dialogues": _dialogues,
    "visits": _visits,
    "time": _time,
    "quiet": _quiet,
}
