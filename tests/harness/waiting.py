"""Waiting for something to become true, never for time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SLOWER = 1.2
_SLOWEST_S = 0.25


def wait_until(condition: Callable[[], T], *, within: float = 15.0, every: float = 0.02) -> T:
    """The first true value of `condition`; AssertionError with the last one after `within` s.

    Asked after `every` seconds, then less and less often: who asks takes the processor from those
    who are waited for.
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within:g} s; last: {value!r}")
        time.sleep(every)
        every = max(every, min(every * _SLOWER, _SLOWEST_S))
