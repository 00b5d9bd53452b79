"""Retry policy of deliveries: delays with jitter, `Retry-After` honoured."""

from hashlib import blake2b

from infra.settings import RETRY_DELAYS

JITTER = 0.2
"""A delay is longer by up to this share, so that concurrent failures do not retry together."""

MAX_WAIT = 86_400.0
"""Maximum of `Retry-After`, seconds."""


def retry_delay(
    delivery: str,
    attempts: int,
    retry_after: float | None,
    delays: tuple[float, ...] = RETRY_DELAYS,
) -> float | None:
    """Seconds until the next attempt, after `attempts` of them; None when there is none left.

    The same for the same delivery id and attempt. At least the receiver's `Retry-After`.
    """
    if attempts > len(delays):
        return None
    digest = blake2b(f"{delivery}:{attempts}".encode(), digest_size=4).digest()
    share = int.from_bytes(digest, "little") / 2**32
    pause = delays[attempts - 1] * (1 + JITTER * share)
    return max(pause, min(retry_after or 0.0, MAX_WAIT))


def max_duration(delays: tuple[float, ...]) -> float:
    """Maximum of seconds from the first to the last attempt, without `Retry-After`."""
    return sum(delays) * (1 + JITTER)


def max_delay(delays: tuple[float, ...]) -> float:
    """Maximum of seconds between two attempts."""
    return max(max(delays, default=0.0) * (1 + JITTER), MAX_WAIT)
