"""The wall clock, read at the edges only; pure code takes `now` as an argument."""

import time


def now_ms() -> int:
    """Milliseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000_000
