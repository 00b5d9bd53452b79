"""Rate limit per source (token bucket): a public write key can be misused by anybody."""

import math

from api.errors import Refused

BURST_S = 10.0
"""Burst, in seconds of the rate."""


class Rates:
    """The generic cell rate algorithm (ITU-T I.371), one cell an event, one state a write key:
    the instant at which the key's bucket is empty again."""

    def __init__(self, events_per_s: int) -> None:
        self._events_per_s = events_per_s
        self._empty_at: dict[str, float] = {}

    def take(self, source: str, events: int, now: float) -> None:
        """Admits all events of a request at `now` (seconds of a monotonic clock), or none. Refused:
        429 with `Retry-After`, which SDKs follow. A batch larger than the burst is admitted at an
        empty bucket: no wait would make it fit.
        """
        if not self._events_per_s:
            return
        empty_at = max(self._empty_at.get(source, now), now)
        waiting = empty_at - now
        needed = events / self._events_per_s
        if waiting and waiting + needed > BURST_S:
            pause = math.ceil(max(waiting + min(needed, BURST_S) - BURST_S, 1.0))
            raise Refused(
                429,
                "too_many_requests",
                f"the source {source!r} sends more than {self._events_per_s} events a second",
                {"Retry-After": str(pause)},
            )
        self._empty_at[source] = empty_at + needed
