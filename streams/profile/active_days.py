"""The active days of a customer: a window of 64 days that ends with the latest of them.

Kept as that day and a mask of 64 bits, bit k for k days before it. The set is exact and free of
order: a day that has left the window would have left it in any order.
"""

from schemas.profile import Lifecycle
from streams.values.purchase_days import DAY

WINDOW = 64
"""Days."""

_FULL = (1 << WINDOW) - 1


def add_active_day(latest: int, mask: int, day: int) -> tuple[int, int]:
    """(latest active day, mask) with one more `day` (days since 1970). Day 0, in 1970, is none."""
    if day <= 0:
        return latest, mask
    if day > latest:
        return day, ((mask << (day - latest)) & _FULL if day - latest < WINDOW else 0) | 1
    back = latest - day
    return latest, mask | 1 << back if back < WINDOW else mask


def unite_active_days(latest: int, mask: int, other: int, other_mask: int) -> tuple[int, int]:
    """The window that has seen the active days of both."""
    if other > latest:
        latest, mask, other, other_mask = other, other_mask, latest, mask
    back = latest - other
    return latest, mask | (other_mask << back & _FULL if back < WINDOW else 0)


def is_window(life: Lifecycle) -> bool:
    """Whether day and mask are such a window: what came as a message is looked at."""
    if not life.active_days:
        return life.active_day == 0
    return life.active_day > 0 and 0 < life.active_days <= _FULL and life.active_days & 1 == 1


def active_days(life: Lifecycle) -> int:
    """Active days in the window."""
    return life.active_days.bit_count()


def known_days(life: Lifecycle) -> int:
    """Days of the window since the customer was first seen, the latest active one among them."""
    return min(WINDOW, max(1, life.active_day - life.first_seen // DAY + 1))
