"""Durations of a playbook: `90s`, `30m`, `24h`, `7d`, `2w`."""

import re

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"(\d+)\s*([smhdw])")
WEEK = _UNITS["w"]

MAX_DURATION = 1_000_000_000 * WEEK
"""Milliseconds: added to any time it still fits the 64 bits of a number in a profile."""
_MAX_DIGITS = 15


def milliseconds(text: str) -> int:
    """Milliseconds, at most `MAX_DURATION`, of `90s`, `30m`, `24h`, `7d` or `2w`. ValueError on
    anything else."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 30m, 24h, 7d or 2w")
    if len(found[1]) > _MAX_DIGITS or int(found[1]) * _UNITS[found[2]] > MAX_DURATION:
        raise ValueError(f"{text[:40]!r} is longer than 1000000000w, the longest that is kept")
    return int(found[1]) * _UNITS[found[2]]


def in_words(span: int) -> str:
    """A duration in milliseconds, rounded to its largest unit: `3 days`."""
    if span < 60_000:  # what a trigger speaks of most often
        count = span // 1000 if span > 0 else 0
        return f"{count} second" + ("s" if count != 1 else "")
    for unit, name in ((604_800_000, "week"), (86_400_000, "day"), (3_600_000, "hour"),
                       (60_000, "minute")):  # fmt: skip
        if span >= 2 * unit or span == unit:
            count = span // unit
            return f"{count} {name}" + ("s" if count != 1 else "")
    return f"{span // 1000} seconds"
