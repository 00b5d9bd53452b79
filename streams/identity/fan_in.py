"""Fan-in guard: an anonymous id that joins many customers is nobody's.

A site with a fixed anonymous id, a till, a kiosk: everybody who signs in there would take over what
the one before did. An id is believed while the first customer and at most `MAX_OTHERS` use it
within `WINDOW`; beyond that its later events stay its own, and no customer takes it over, ever. A
household that shares a browser stays within it.
"""

from collections.abc import Mapping

MAX_OTHERS = 4
"""Customers beside the first who may use one anonymous id within the window: five in all."""

WINDOW = 86_400_000
"""Milliseconds: a day."""

_KEPT = MAX_OTHERS + 1


def claimed(claims: Mapping[str, int], customer: str, at: int) -> dict[str, int]:
    """The claims after a customer used the id at `at` (milliseconds): the latest ones, as many as
    it takes to disbelieve."""
    after = {**claims, customer: max(at, claims.get(customer, 0))}
    latest = sorted(after.items(), key=lambda item: (item[1], item[0]))[-_KEPT:]
    return dict(latest)


def is_shared(claims: Mapping[str, int]) -> bool:
    """Whether too many customers used the id within the window."""
    if len(claims) <= MAX_OTHERS:
        return False
    times = sorted(claims.values())
    return times[-1] - times[-1 - MAX_OTHERS] < WINDOW
