"""Changed groups of facts: an expression is evaluated only when one of its groups changed.

Every group has a test of its own. A playbook is compiled to the tests of the groups that it asks
for, and an event pays for no other.
"""

from collections.abc import Callable, Iterable

from streams.playbook.change import Change
from streams.playbook.compiled import GroupTest
from streams.profile.dialogues import last_at
from streams.segments.facts import Group
from streams.values.purchase_days import DAY


def watched(groups: Iterable[str]) -> tuple[GroupTest, ...]:
    """The tests of these groups, always in the same order; `relationship`, `segments` and `cause`
    have none: they follow from the others."""
    asked = set(groups)
    return tuple((group, test) for group, test in _TESTS.items() if group in asked)


def changed_groups(tests: Iterable[GroupTest], change: Change) -> list[str]:
    """The groups in which the event of the change can have changed a fact."""
    changed: list[str] = []
    for group, test in tests:
        if test(change):
            changed.append(group)
    return changed


def _first(change: Change) -> bool:
    return not change.before.lifecycle.events


def _identity(change: Change) -> bool:
    return change.after.known is not change.before.known or not change.before.lifecycle.events


def _traits(change: Change) -> bool:
    return change.after.traits is not change.before.traits


def _consent(change: Change) -> bool:
    return change.after.consent is not change.before.consent


def _order(change: Change) -> bool:
    return change.is_purchase


def _topics(change: Change) -> bool:
    return None in change.earlier or _moved(change)


def _moved(change: Change) -> bool:
    """Whether dialogues have become one, or were given up."""
    before, after = change.before, change.after
    # Only what was learned of items makes two dialogues one.
    if after.items is before.items and after.quiet_dialogues == before.quiet_dialogues:
        return False
    return not before.dialogues.keys() <= after.dialogues.keys()


def _stages(change: Change) -> bool:
    if _moved(change):
        return True
    for match, one in zip(change.matches, change.earlier, strict=True):
        if one is None or match.stage not in one.stages:
            return True
    return False


def _complaints(change: Change) -> bool:
    for match in change.matches:
        if match.place[0] == "complaint":
            return True
    before, after = change.before.exits, change.after.exits
    if after is not before:
        for topic in (*before, *after):
            if topic.startswith("complaint/") and after.get(topic) is not before.get(topic):
                return True
    # A dialogue that was given up may have been a complaint.
    return change.after.quiet_dialogues != change.before.quiet_dialogues


def _referrals(change: Change) -> bool:
    for match in change.matches:
        family, stage = match.place
        if family == "referral" or stage == "referred":
            return True
    return change.after.quiet_dialogues != change.before.quiet_dialogues


def _dialogues(change: Change) -> bool:
    return bool(change.matches) or change.after.exits is not change.before.exits or _moved(change)


def _visits(change: Change) -> bool:
    return True


def _time(change: Change) -> bool:
    life, now = change.before.lifecycle, change.event.received_at
    return (
        change.is_purchase
        or now - life.last_seen >= DAY
        or change.after.lifecycle.first_seen != life.first_seen
    )


def _quiet(change: Change) -> bool:
    now = change.event.received_at
    return (
        any(one is None or now - last_at(one) >= DAY for one in change.earlier)
        or _moved(change)
        or _time(change)
    )


_TESTS: dict[Group, Callable[[Change], bool]] = {
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
