"""The wall clock, read at the edges only; everything inside takes `now` as an argument."""

import time


def now_ms() -> int:
    """Milliseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000_000
