"""Memory of a worker process: what one batch frees, the next one uses."""

import subprocess
import sys

BATCHES = """
import ctypes, resource, sys
from infra.process_memory import settle_memory
if not hasattr(ctypes.CDLL(None), "mallopt"):
    sys.exit(77)
if sys.argv[1] == "settled":
    settle_memory()

def batch():
    buffers = [bytearray(8 * 1024 * 1024) for _ in range(5)]
    for buffer in buffers:
        buffer[::4096] = bytes(2048)

batch()
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Five buffers of 8 MB a batch, 51,200 pages in the five batches that are counted."""


def _page_faults(how: str) -> int | None:
    """Page faults of five batches; None where the C library has no `mallopt`."""
    done = subprocess.run(
        [sys.executable, "-c", BATCHES, how],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode == 77:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_the_buffers_of_a_batch_are_used_again_and_not_given_back_to_the_kernel() -> None:
    settled, by_default = _page_faults("settled"), _page_faults("default")

    if settled is not None and by_default is not None:
        assert settled < 1_000 < by_default
