"""Exponential back-off with jitter, for every loop that retries."""

import random
from collections.abc import Iterator

JITTER = 0.2
"""A delay is longer by up to this share, so that concurrent failures do not retry together."""


def backoff(first_s: float, max_s: float) -> Iterator[float]:
    """Endless delays in seconds: `first_s`, doubled each time up to `max_s`, with jitter."""
    delay = first_s
    while True:
        yield delay * (1 + JITTER * random.random())  # noqa: S311 - spreads load, hides nothing
        delay = min(delay * 2, max_s)
