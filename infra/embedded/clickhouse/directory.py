"""The data directory, which belongs to one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK_NAME: Final = "server.lock"


class DirectoryInUseError(Exception):
    """Another process works in the directory."""


@contextmanager
def sole_use(directory: Path) -> Iterator[None]:
    """Create the directory when needed and hold it; `DirectoryInUseError` when somebody else does.

    The hold ends with the process, however it ends: a crash leaves nothing to clean up.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK_NAME).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise DirectoryInUseError(f"{directory} is in use by process {holder}.") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
