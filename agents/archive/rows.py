"""The bytes of records -> the columns of their table. Unreadable records are skipped: the dialogue
worker makes dead letters of them."""

from collections.abc import Sequence

from agents.archive.erasure_barrier import Erasing
from infra.metrics import DATA_QUALITY, ROWS_NOT_ARCHIVED
from streams.archive.erasures import erasures_in, keeps_trigger, kept_events
from streams.archive.rows import (
    Columns,
    Place,
    dead_letter_columns,
    event_columns,
    trigger_columns,
)
from streams.archive.tables import (
    EVENT_COLUMNS,
    EVENTS_TABLE,
    TRIGGERS_TABLE,
)
from streams.codec.codec import UNREADABLE, decode_dead_letter, decode_trigger, decode_wire_envelope
from streams.playbook.compiled import CompiledPlaybook
from streams.privacy.erasure import Tombstones

_SOURCE = EVENT_COLUMNS.index("source")
_FINDINGS = EVENT_COLUMNS.index("findings")


def event_rows(
    records: Sequence[tuple[Place, bytes]],
    playbook: CompiledPlaybook,
    erasing: Erasing | None = None,
    region: str = "",
) -> Columns:
    """The columns of the envelopes' events, without erased ones."""
    found = [(place, decode_wire_envelope(value)[0]) for place, value in records]
    if erasing is not None:
        for _, events in found:
            erasing.meet(erasures_in(events))
        if erasing.tombstones:
            kept = [(place, kept_events(events, erasing.tombstones)) for place, events in found]
            _count_left_out(EVENTS_TABLE, _size(found) - _size(kept))
            found = kept
    columns = event_columns(found, playbook, region)
    for source, checks in zip(columns[_SOURCE], columns[_FINDINGS], strict=True):
        for check in checks:
            DATA_QUALITY.labels(source, check).inc()
    return columns


def trigger_rows(
    records: Sequence[tuple[Place, bytes]], tombstones: Tombstones | None = None
) -> Columns:
    """The columns of the triggers, without those of erased customers."""
    found = []
    for place, value in records:
        try:
            found.append((place, decode_trigger(value)))
        except UNREADABLE:
            continue
    if tombstones:
        kept = [(place, one) for place, one in found if keeps_trigger(one, tombstones)]
        _count_left_out(TRIGGERS_TABLE, len(found) - len(kept))
        found = kept
    return trigger_columns(found)


def dead_letter_rows(records: Sequence[tuple[Place, bytes]]) -> Columns:
    """The columns of the dead letters."""
    found = []
    for place, value in records:
        try:
            found.append((place, decode_dead_letter(value)))
        except UNREADABLE:
            continue
    return dead_letter_columns(found)


def _size(found: Sequence[tuple[Place, Sequence[object]]]) -> int:
    return sum(len(events) for _, events in found)


def _count_left_out(table: str, rows: int) -> None:
    if rows:
        ROWS_NOT_ARCHIVED.labels(table).inc(rows)
