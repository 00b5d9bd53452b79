"""What the native and the HTTP side share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .access import Access
from .engine import Engine
from .spool import Spool

MAX_INSERT_BYTES: Final = 4 << 30


@dataclass(frozen=True, slots=True)
class Backend:
    """The engine, who may use it, and how large one insert may be (bytes, uncompressed)."""

    engine: Engine
    access: Access
    directory: Path
    max_insert_bytes: int = MAX_INSERT_BYTES

    def spool(self) -> Spool:
        """A place for one insert's data."""
        return Spool(self.directory, self.max_insert_bytes)
