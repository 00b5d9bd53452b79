"""Checkpoint of an import, kept beside the file, from which the next run goes on."""

import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from infra.importing.batches import Batch, Rejected
from infra.importing.records import Records


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A position: everything before `offset` has arrived, or is in the file of rejected lines."""

    identity: str
    head_size: int
    map: str
    """The name of the mapping."""
    offset: int = 0
    """Bytes, unpacked."""
    line: int = 1
    events: int = 0
    skipped: int = 0
    rejected: int = 0
    rejected_size: int = 0
    """Bytes of the file of rejected lines."""


class OtherFileError(Exception):
    """The checkpoint belongs to another file or mapping."""


class CheckpointFile:
    """The checkpoint on disk, with its file of rejected lines."""

    def __init__(self, path: Path, rejected: Path) -> None:
        self._path = path
        self.rejected_path = rejected
        self._rejected: BinaryIO | None = None

    def read(self, records: Records, name: str) -> Checkpoint:
        """The position to resume at. Raises `OtherFileError`."""
        fresh = Checkpoint(records.identity, records.head_size, name)
        try:
            checkpoint = msgspec.json.decode(self._path.read_bytes(), type=Checkpoint)
        except FileNotFoundError:
            return fresh
        except (OSError, msgspec.DecodeError) as problem:
            raise OtherFileError(f"{self._path} cannot be read ({problem}); remove it") from None
        if (
            checkpoint.identity != records.identity_of(checkpoint.head_size)
            or checkpoint.map != name
        ):
            raise OtherFileError(
                f"{self._path} is of another file or mapping; remove it, or name another --state"
            )
        return checkpoint

    def advance(self, checkpoint: Checkpoint, batch: Batch, refused: list[Rejected]) -> Checkpoint:
        """Writes the rejected lines, then the checkpoint, each atomically: after a kill in between,
        the next run writes the rejected lines again at the same position."""
        rejected = sorted(batch.rejected + refused, key=lambda one: one.line)
        size = self._write(rejected, checkpoint.rejected_size)
        checkpoint = msgspec.structs.replace(
            checkpoint,
            offset=batch.end,
            line=batch.next_line,
            events=checkpoint.events + batch.events - len(refused),
            skipped=checkpoint.skipped + batch.skipped,
            rejected=checkpoint.rejected + len(rejected),
            rejected_size=size,
        )
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_bytes(msgspec.json.encode(checkpoint))
        fresh.replace(self._path)
        return checkpoint

    def close(self) -> None:
        """Closes the file of rejected lines."""
        if self._rejected is not None:
            self._rejected.close()

    def _write(self, rejected: list[Rejected], size: int) -> int:
        if not rejected:
            return size
        if self._rejected is None:
            descriptor = os.open(self.rejected_path, os.O_RDWR | os.O_CREAT, 0o666)
            self._rejected = os.fdopen(descriptor, "r+b")
            end = min(size, os.fstat(descriptor).st_size)  # it may have been removed
            self._rejected.truncate(end)
            self._rejected.seek(end)
        for one in rejected:
            reason = " ".join(one.reason.split())
            ended = one.raw if one.raw.endswith(b"\n") else one.raw + b"\n"
            self._rejected.write(f"{one.line}\t{reason}\t".encode() + ended)
        self._rejected.flush()
        return self._rejected.tell()
