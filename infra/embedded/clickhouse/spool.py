"""Where a client's insert waits until all of it is here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from .failure import TOO_MANY_BYTES, failure

IN_MEMORY_BYTES: Final = 64 << 20
PIECE_BYTES: Final = 1 << 20


class Spool:
    """Bytes kept in memory up to 64 MiB, beyond that in an unlinked file in ``directory``.

    Beyond ``limit`` bytes it keeps nothing more and only remembers that it was too much, so that
    the rest of the insert can still be read off the connection.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed in __exit__
            IN_MEMORY_BYTES, dir=str(directory)
        )
        self.directory = directory
        self.limit = limit
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        self.size += len(data)
        if self.size <= self.limit:
            self._file.write(data)

    def check(self) -> None:
        """Raise 307 TOO_MANY_BYTES when more was written than is kept."""
        if self.size > self.limit:
            raise failure(
                TOO_MANY_BYTES,
                "TOO_MANY_BYTES",
                f"An INSERT of {self.size} bytes is above the limit of {self.limit} bytes.",
            )

    def head(self, size: int) -> bytes:
        """The first ``size`` bytes."""
        self._file.seek(0)
        return bytes(self._file.read(size))

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        """All bytes from ``start`` on, 1 MiB at a time."""
        self._file.seek(start)
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
