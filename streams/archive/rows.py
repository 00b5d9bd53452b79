"""ClickHouse columns from decoded log records.

A column is a list, one value a row. Times stay integer milliseconds, JSON stays the bytes it
came in: the driver writes both as they are. No value depends on the time of computation: the same
records give the same columns.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from schemas.dead_letter import DeadLetter
from schemas.event import WireEvent
from schemas.trigger import Trigger
from streams.archive.matched_rows import NO_ORDER, MatchedRows
from streams.archive.tables import (
    EARLIEST,
    LATEST,
)
from streams.identity.profile_key import archived_under
from streams.playbook.compiled import CompiledPlaybook
from streams.quality.findings import findings
from streams.triggers.registry import KINDS

Columns = list[list[Any]]

_MOST_UINT8: Final = 255
_MOST_INT32: Final = 2**31 - 1

_json_encoder = msgspec.json.Encoder()


class Place(msgspec.Struct, frozen=True):
    """Position of a record: identity of the Kafka topic, partition and offset."""

    log_id: str
    partition: int
    offset: int


def block_token(places: Iterable[Place]) -> str:
    """The deduplication token of a block: equal for equal records. It names first offset, last
    offset and number of records of every partition.
    """
    offsets: dict[tuple[str, int], list[int]] = {}
    for place in places:
        offsets.setdefault((place.log_id, place.partition), []).append(place.offset)
    return ",".join(
        f"{log_id}/{partition}/{min(found)}-{max(found)}x{len(found)}"
        for (log_id, partition), found in sorted(offsets.items())
    )


def event_columns(
    records: Iterable[tuple[Place, Sequence[WireEvent]]],
    playbook: CompiledPlaybook,
    region: str = "",
) -> Columns:
    """The columns `EVENT_COLUMNS` of the events of these records; `region` (ISO 3166) is the
    country of national telephone numbers.

    Topics and stages are those of the playbook in force. Never raises for the content of an event:
    one whose properties the playbook cannot read is archived without topics.
    """
    events: list[WireEvent] = []
    places: list[tuple[str, int, int, int]] = []
    for place, found in records:
        events += found
        places += [
            (place.log_id, place.partition, place.offset, index) for index in range(len(found))
        ]
    row_of = MatchedRows(playbook).row_of
    matched = [row_of(event) for event in events]
    hops = [min(max(event.hops, 0), _MOST_UINT8) if event.hops else 0 for event in events]
    columns: Columns = [
        [event.message_id for event in events],
        [event.type for event in events],
        [event.channel for event in events],
        [event.name or "" for event in events],
        [archived_under(event) for event in events],
        [event.key or "" for event in events],
        [event.user_id or "" for event in events],
        [event.anonymous_id or "" for event in events],
        [event.previous_id or "" for event in events],
        [event.direction or "" for event in events],
        [event.operator or "" for event in events],
        [event.outcome or "" for event in events],
        [row.topics for row in matched],
        [row.stages for row in matched],
        [row.ranks for row in matched],
        [row.ends for row in matched],
        [row.promised for row in matched],
        [bytes(event.properties) for event in events],
        [bytes(event.context) for event in events],
        [findings(event, row.seen, region) for event, row in zip(events, matched, strict=True)],
        [row.value for row in matched],
        [row.currency for row in matched],
        [row.left_topics for row in matched],
        [row.left_stages for row in matched],
        *[[row.order[index] for row in matched] for index in range(len(NO_ORDER))],
        _times([event.occurred_at for event in events]),
        _times([event.received_at for event in events]),
        [_time_or_none(event.sent_at) for event in events],
        [event.source for event in events],
        hops,
        hops,
    ]
    columns += [list(column) for column in zip(*places, strict=True)] or [[], [], [], []]
    return columns


def trigger_columns(records: Iterable[tuple[Place, Trigger]]) -> Columns:
    """The columns `TRIGGER_COLUMNS` of these triggers."""
    found = list(records)
    triggers = [trigger for _, trigger in found]
    return [
        [trigger.id for trigger in triggers],
        [trigger.type for trigger in triggers],
        [trigger.rule for trigger in triggers],
        [trigger.customer_id for trigger in triggers],
        [trigger.topic or "" for trigger in triggers],
        [trigger.stage or "" for trigger in triggers],
        _times([trigger.occurred_at for trigger in triggers]),
        _times([trigger.decided_at for trigger in triggers]),
        [trigger.decision for trigger in triggers],
        [trigger.suppressed_by or "" for trigger in triggers],
        [trigger.reason for trigger in triggers],
        [_json_encoder.encode(_archived(trigger)) for trigger in triggers],
        [trigger.channel or "" for trigger in triggers],
        [trigger.endpoint or "" for trigger in triggers],
        [trigger.template or "" for trigger in triggers],
        [trigger.campaign or "" for trigger in triggers],
        [trigger.arm or "" for trigger in triggers],
        [min(max(trigger.priority, -_MOST_INT32), _MOST_INT32) for trigger in triggers],
        [trigger.playbook for trigger in triggers],
        *_place_columns([place for place, _ in found]),
    ]


def dead_letter_columns(records: Iterable[tuple[Place, DeadLetter]]) -> Columns:
    """The columns `DEAD_LETTER_COLUMNS` of these dead letters, payloads as the bytes they were."""
    found = list(records)
    letters = [letter for _, letter in found]
    return [
        [letter.id for letter in letters],
        [letter.reason for letter in letters],
        [letter.detail for letter in letters],
        [letter.origin for letter in letters],
        _times([letter.at for letter in letters]),
        [letter.payload for letter in letters],
        [letter.batch for letter in letters],
        *_place_columns([place for place, _ in found]),
    ]


def _archived(trigger: Trigger) -> dict[str, Any]:
    kind = KINDS.get(trigger.type)
    return trigger.why if kind is None else kind.archived(trigger.why)


def _place_columns(places: list[Place]) -> Columns:
    return [
        [place.log_id for place in places],
        [place.partition for place in places],
        [place.offset for place in places],
    ]


def _times(column: list[int]) -> list[int]:
    if column and (min(column) < EARLIEST or max(column) > LATEST):
        return [min(max(at, EARLIEST), LATEST) for at in column]
    return column


def _time_or_none(at: int | None) -> int | None:
    return None if at is None else min(max(at, EARLIEST), LATEST)
