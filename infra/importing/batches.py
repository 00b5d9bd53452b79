"""Groups records into batches."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from infra.importing.records import Record, Records
from streams.mapping.mapping_items import Mapped, Unmapped

MAX_EVENTS = 500
"""Events of one batch: all batches in flight together stay within the message ids of a profile."""
MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 5_000
"""Maximum of lines of one batch, so that the checkpoint advances where few lines are events."""


class Rejected(msgspec.Struct, frozen=True):
    """Rejected lines."""

    line: int
    reason: str
    raw: bytes


class Batch(msgspec.Struct):
    """Events sent together, and the position in the file after them."""

    contacts: list[Mapped]
    tracked: list[Mapped]
    origins: list[Record]
    """The record of each contact, for the refusals of the API."""
    rejected: list[Rejected]
    lines: int = 0
    skipped: int = 0
    size: int = 0
    end: int = 0
    next_line: int = 1
    position: int = 0
    """Bytes of the file on disk."""

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.contacts) + len(self.tracked)


class Maps(Protocol):
    """Maps items to events: by a mapping, or items that are events already."""

    def items(self, payload: Any) -> list[Any]: ...
    def events(self, item: Any, place: str | None = None) -> list[Mapped]: ...


def events_of(record: Record, maps: Maps, identity: str) -> list[Mapped]:
    """The events of a record. Raises `Unmapped`."""
    if record.problem is not None:
        raise Unmapped("unreadable", record.problem)
    if record.item is None:
        return []
    found: list[Mapped] = []
    for index, item in enumerate(maps.items(record.item)):
        place = f"{identity}:{record.line}" + (f":{index}" if index else "")
        found += maps.events(item, place)
    return found


def batches(records: Records, maps: Maps, identity: str) -> Iterator[Batch]:
    """The rest of the file, batch by batch; a record is never split."""
    batch = Batch([], [], [], [])
    for record in records:
        batch.lines += record.next_line - record.line
        batch.end, batch.next_line = record.end, record.next_line
        try:
            found = events_of(record, maps, identity)
        except Unmapped as problem:
            batch.rejected.append(Rejected(record.line, problem.detail, record.raw))
            found = []
        else:
            batch.skipped += not found
        for one in found:
            batch.size += len(one.body)
            if one.kind == "contact":
                batch.contacts.append(one)
                batch.origins.append(record)
            else:
                batch.tracked.append(one)
        if batch.events >= MAX_EVENTS or batch.size >= MAX_BYTES or batch.lines >= MAX_LINES:
            batch.position = records.packed_position()
            yield batch
            batch = Batch([], [], [], [])
    if batch.lines:
        batch.position = records.packed_position()
        yield batch
