"""Memory settings of a process that works in batches."""

import ctypes
import gc

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's `mallopt`."""

_MB = 1024 * 1024

_ALLOCATOR = (
    (_M_MMAP_THRESHOLD, 32 * _MB),
    (_M_TRIM_THRESHOLD, 128 * _MB),
    (_M_TOP_PAD, 16 * _MB),
)
"""(parameter, bytes)."""


def settle_memory() -> None:
    """Calms the garbage collector, and lets the allocator keep what a batch frees for the next."""
    # Imports stay for good, and reference counts free what the fold makes: full collections over
    # all cached profiles would free nothing.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    # A batch has buffers of megabytes: by default glibc gives each back to the kernel, which then
    # clears it page by page for the next.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries do not have it
    if mallopt is not None:
        for parameter, value in _ALLOCATOR:
            mallopt(parameter, value)
