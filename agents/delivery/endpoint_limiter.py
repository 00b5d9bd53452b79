"""Per-endpoint limit of concurrent attempts."""

from infra.delivery.circuit import NEW, Mode, after_failure, disabled, mode
from infra.delivery.records import Attempt

AT_ONCE = 32
"""Maximum of concurrent attempts to one endpoint, per worker."""


class EndpointLimiter:
    """Concurrency limiter of one endpoint. The limit is lower while it asks to slow down and 1
    while it is down."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.state = NEW
        self.under_way: set[str] = set()
        """Ids of deliveries."""
        self.waiting = True
        """Whether deliveries may wait for a free place."""
        self._limit = float(AT_ONCE)

    def mode(self, now: int) -> Mode:
        """Number of attempts that may begin now."""
        return mode(self.state, now)

    def free(self, now: int) -> int:
        """Number of further attempts that may begin. A disabled endpoint has places: its deliveries
        are given up without an attempt."""
        found = self.mode(now)
        if found == "open":
            return 0
        most = 1 if found == "probing" else int(self._limit)
        return max(0, most - len(self.under_way))

    def heard(self, attempt: Attempt, now: int) -> bool:
        """Records an answer; returns whether the stored state of the endpoint has changed."""
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
