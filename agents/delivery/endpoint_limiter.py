"""Per-endpoint limit of concurrent attempts."""

from infra.delivery.circuit import NEW, Mode, after_failure, disabled, mode
from infra.delivery.records import Attempt

AT_ONCE = 32
"""Attempts under way to one endpoint, of one worker."""


class EndpointLimiter:
    """The places of one endpoint. Fewer while it asks to slow down, one while it is down."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.state = NEW
        self.under_way: set[str] = set()
        """Ids of deliveries."""
        self.waiting = True
        """Whether something may wait that there was no place for."""
        self._limit = float(AT_ONCE)

    def mode(self, now: int) -> Mode:
        """What may be sent now."""
        return mode(self.state, now)

    def free(self, now: int) -> int:
        """How many more attempts may begin. An endpoint that is disabled has places: what is for it
        is given up without an attempt."""
        found = self.mode(now)
        if found == "open":
            return 0
        most = 1 if found == "probing" else int(self._limit)
        return max(0, most - len(self.under_way))

    def heard(self, attempt: Attempt, now: int) -> bool:
        """Takes note of an answer; whether what is remembered of the endpoint has changed."""
        before = self.state
        if attempt.verdict == "delivered":
            self._limit = min(float(AT_ONCE), self._limit + 1 / self._limit)
            if not before.disabled_at:
                self.state = NEW
        elif attempt.verdict == "gone":
            self.state = disabled(before, now, attempt.detail)
        elif attempt.verdict in ("again", "refused") and attempt.blames_endpoint:
            if attempt.slow_down:
                self._limit = max(1.0, self._limit / 2)
            self.state = after_failure(before, now, attempt.detail, attempt.retry_after)
        return self.state != before
