"""The rows of records of the log, as the archive worker makes them, without erased customers."""

from collections.abc import Sequence

from infra.archive_check.log import Rows
from infra.kafka.names import EVENTS, TRIGGERS
from schemas.event import WireEvent
from streams.archive.erasures import keeps_trigger, kept_events
from streams.archive.rows import Columns, Place, event_columns, trigger_columns
from streams.codec.codec import UNREADABLE, decode_trigger, decode_wire_envelope
from streams.playbook.compiled import CompiledPlaybook
from streams.privacy.erasure import Tombstones


def checked_rows(
    playbook: CompiledPlaybook, tombstones: Tombstones, region: str
) -> dict[str, Rows]:
    """Kafka topic -> what makes its rows."""

    def events(records: Sequence[tuple[Place, bytes]]) -> Columns:
        found = [(place, decode_wire_envelope(value)[0]) for place, value in records]
        if tombstones:
            found = [(place, _kept(sent, tombstones)) for place, sent in found]
        return event_columns(found, playbook, region)

    def triggers(records: Sequence[tuple[Place, bytes]]) -> Columns:
        found = []
        for place, value in records:
            try:
                trigger = decode_trigger(value)
            except UNREADABLE:
                continue
            if keeps_trigger(trigger, tombstones):
                found.append((place, trigger))
        return trigger_columns(found)

    return {EVENTS: events, TRIGGERS: triggers}


def _kept(events: Sequence[WireEvent], tombstones: Tombstones) -> list[WireEvent]:
    # An erasure deletes the links that name the customer, too.
    return [event for event in kept_events(events, tombstones) if event.type != "link"]
