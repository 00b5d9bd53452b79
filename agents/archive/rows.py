"""The bytes of records -> the columns of the table they belong in; what cannot be read is left to
the dialogue worker, which keeps it as a dead letter."""

from collections.abc import Sequence

import msgspec

from streams.archive_rows import (
    Columns,
    Place,
    dead_letter_columns,
    event_columns,
    trigger_columns,
)
from streams.codec import decode_dead_letter, decode_trigger, decode_wire_envelope
from streams.playbook import CompiledPlaybook


def event_rows(records: Sequence[tuple[Place, bytes]], book: CompiledPlaybook) -> Columns:
    """The columns of the envelopes' events."""
    return event_columns(
        ((place, decode_wire_envelope(value)[0]) for place, value in records), book
    )


def trigger_rows(records: Sequence[tuple[Place, bytes]]) -> Columns:
    """The columns of the triggers."""
    found = []
    for place, value in records:
        try:
            found.append((place, decode_trigger(value)))
        except msgspec.DecodeError:
            continue
    return trigger_columns(found)


def dead_letter_rows(records: Sequence[tuple[Place, bytes]]) -> Columns:
    """The columns of the dead letters."""
    found = []
    for place, value in records:
        try:
            found.append((place, decode_dead_letter(value)))
        except msgspec.DecodeError:
            continue
    return dead_letter_columns(found)
