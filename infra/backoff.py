"""Exponential back-off with jitter, the only one: every loop that tries again takes its delays."""

import random
from collections.abc import Iterator

JITTER = 0.2
"""A delay is longer by up to this share, so that those who failed together do not come together."""


def backoff(first_s: float, max_s: float) -> Iterator[float]:
    """Delays in seconds without end: `first_s`, doubled each time up to `max_s`, with jitter."""
    delay = first_s
    while True:
        yield delay * (1 + JITTER * random.random())  # noqa: S311 - spreads load, hides nothing
        delay = min(delay * 2, max_s)
