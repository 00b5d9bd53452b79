"""Frequency caps over a sliding window, independent of the order of times."""

from collections.abc import Iterable

from streams.playbook.policy_compiler import MAX_SPOKEN


def is_full(spoken: tuple[int, ...], at: int, at_most: int, per: int) -> bool:
    """Whether one more trigger at `at` would exceed the cap within `per` milliseconds.

    `spoken` are the latest times, oldest first. Times later than `at` count as well: with one that
    comes late, no stretch `[t, t + per)` ever holds more than `at_most`. It errs towards
    suppression.
    """
    if at_most <= 0:
        return True
    return len(spoken) >= at_most and spoken[-at_most] > at - per


def speak(spoken: tuple[int, ...], at: int, at_most: int) -> tuple[int, ...]:
    """The times with `at`: the latest `at_most` of them, which is all that `is_full` asks for."""
    if spoken and spoken[-1] > at:
        return tuple(sorted((*spoken, at)))[-at_most:]
    return (*spoken[1 - at_most :], at) if at_most > 1 else (at,)


def unite_spoken(one: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> (
    dict[str, tuple[int, ...]]
):  # fmt: skip
    """The merged memory of two profiles: the latest times under each name."""
    if not other:
        return one
    united = dict(one)
    for name, times in other.items():
        mine = united.get(name, ())
        united[name] = _latest((*mine, *times))
    return united


def _latest(times: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(times)[-MAX_SPOKEN:])
