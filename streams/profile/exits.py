"""Exits: stages that a dialogue has left, as a whole or item by item (a product out of a cart).

Of each stage and item the last time in and the last time out are kept: maxima, the same in any
order. At the same instant an exit wins. Packed, a record of 12 bytes each: two of the stage (the
first bit says in or out, so that what went out comes last), four of the item, six of the time.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from xxhash import xxh3_64_intdigest

from schemas.profile import Dialogue, Span
from streams.playbook.topics import family
from streams.profile.dialogues import MAX_DIALOGUES, current_stage

MAX_RECORDS = 400
"""Records kept of one topic, those of the latest times."""

RECORD = 12
"""Bytes."""

Exits = dict[str, bytes]
"""Topic, or `family/*` -> its records."""

_KEY = 6
_IN, _OUT = 0, 1
_OUT_BIT = 0x80
_WHOLE = b"\0\0\0\0"
"""The item of an event that names none: the topic itself."""


def enter_items(exits: Exits, topic: str, stage: str, keys: Sequence[bytes], at: int) -> Exits:
    """The exits after these items (`Item.keys`; none: the topic itself) came into a stage at `at`
    (milliseconds)."""
    head, time = _stage(stage, _IN), at.to_bytes(6, "big")
    if len(keys) == 1:
        return _written(exits, topic, head + keys[0] + time)
    return _written(exits, topic, b"".join([head + key + time for key in keys or (_WHOLE,)]))


def leave_stage(exits: Exits, topic: str, stage: str, keys: Sequence[bytes], at: int) -> Exits:
    """The exits after an item (`Item.keys`) left a stage at `at` (milliseconds), or, without one,
    after the topic did."""
    key = keys[0] if keys else _WHOLE
    return _written(exits, topic, _stage(stage, _OUT) + key + at.to_bytes(6, "big"))


def in_force(span: Span, records: bytes, stage: str) -> bool:
    """Whether a dialogue is at a stage that it reached at the times of `span`.

    Not after it left the stage as a whole. With items known: where an item came in after that and
    after anything went out that had never come in, and did not go out since.
    """
    came = _times(records, _stage(stage, _IN))
    went = _times(records, _stage(stage, _OUT))
    since = max([at for item, at in went.items() if item not in came or item == _WHOLE], default=0)
    if not came:
        return span.last_at > since
    return any(at > since and at > went.get(item, 0) for item, at in came.items())


def exits_of(exits: Exits, topic: str) -> bytes:
    """The records of a topic, those of its whole family (`product/*`) included."""
    if not exits:
        return b""
    mine, everywhere = exits.get(topic, b""), exits.get(_whole_family(topic))
    return mine if everywhere is None else _merged(mine + everywhere)


def has_left(exits: Exits, topic: str) -> bool:
    """Whether the topic, its whole family, or an item of it has ever left a stage."""
    records = exits.get(topic)
    left = records is not None and records[-RECORD] >= _OUT_BIT
    return left or _whole_family(topic) in exits


@lru_cache(maxsize=16_384)
def _whole_family(topic: str) -> str:
    return f"{family(topic)}/*"


def stages_in_force(dialogue: Dialogue, exits: Exits, topic: str) -> dict[str, Span]:
    """The stages of the dialogue on `topic` that it has reached and not left."""
    if not exits or not has_left(exits, topic):
        return dialogue.stages
    records = exits_of(exits, topic)
    return {
        stage: span for stage, span in dialogue.stages.items() if in_force(span, records, stage)
    }


def stage_now(dialogue: Dialogue, exits: Exits, topic: str, ranks: Mapping[str, int]) -> str:
    """The stage at which the dialogue on `topic` stands; "" where it has left every one."""
    stages = stages_in_force(dialogue, exits, topic)
    return current_stage(stages, ranks) if stages else ""


def left_at(records: bytes, stage: str) -> int:
    """When the stage was last left as a whole, milliseconds; 0: never."""
    return _times(records, _stage(stage, _OUT)).get(_WHOLE, 0)


def move_exits(exits: Exits, moved: Mapping[str, str]) -> Exits:
    """The exits with those of topics that have become another one under that one."""
    after = dict(exits)
    for topic, now in moved.items():
        records = after.pop(topic, None)
        if records is not None:
            after[now] = _merged(after.get(now, b"") + records)
    return after


def merge_exits(one: Exits, other: Exits) -> Exits:
    """The exits of both."""
    if not one or not other:
        return one or other
    merged = dict(one)
    for topic, records in other.items():
        mine = merged.get(topic)
        merged[topic] = records if mine is None else _merged(mine + records)
    return _latest(merged)


def has_item(records: bytes, key: bytes) -> bool:
    """Whether an item, by its packed first name, came in or went out here."""
    at = records.find(key)
    while at >= 0 and at % RECORD != 2:
        at = records.find(key, at + 1)
    return at >= 0


def items_of(records: bytes) -> set[bytes]:
    """The packed first names of all items here."""
    found = {records[at + 2 : at + _KEY] for at in range(0, len(records), RECORD)}
    found.discard(_WHOLE)
    return found


def are_exits(exits: Exits) -> bool:
    """Whether these are such records: what came as a message is looked at."""
    return all(len(one) % RECORD == 0 and one == _merged(one) for one in exits.values())


@lru_cache(maxsize=4096)
def _stage(stage: str, way: int) -> bytes:
    """Two bytes of a stage: of the few of one ladder no two are alike but once in 3,000 ladders."""
    hashed = xxh3_64_intdigest(stage.encode("utf-8", "surrogatepass")) & 0x7FFF
    return (hashed | way << 15).to_bytes(2, "big")


def _times(records: bytes, stage: bytes) -> dict[bytes, int]:
    """Item -> time of the records of a stage and way."""
    return {
        records[at + 2 : at + _KEY]: int.from_bytes(records[at + _KEY : at + RECORD], "big")
        for at in range(0, len(records), RECORD)
        if records[at : at + 2] == stage
    }


def _written(exits: Exits, topic: str, records: bytes) -> Exits:
    before, after = exits.get(topic), exits.copy()
    if before is None:
        after[topic] = records if len(records) == RECORD else _merged(records)
        return _latest(after)
    if len(records) == RECORD:  # most events are about one item
        if records[:_KEY] > before[-RECORD:] and len(before) < MAX_RECORDS * RECORD:
            after[topic] = before + records
            return after
        at = before.find(records[:_KEY])
        if at >= 0 and at % RECORD == 0:
            if records[_KEY:] <= before[at + _KEY : at + RECORD]:
                return exits
            after[topic] = before[:at] + records + before[at + RECORD :]
            return after
    after[topic] = _merged(before + records)
    return after


def _merged(records: bytes) -> bytes:
    """The records sorted, of each stage and item the latest."""
    latest: dict[bytes, bytes] = {}
    for at in range(0, len(records), RECORD):
        key, time = records[at : at + _KEY], records[at + _KEY : at + RECORD]
        if time > latest.get(key, b""):
            latest[key] = time
    if len(latest) > MAX_RECORDS:
        kept = sorted(latest.items(), key=lambda item: (item[1], item[0]))[-MAX_RECORDS:]
        latest = dict(kept)
    return b"".join([key + latest[key] for key in sorted(latest)])


def _latest(exits: Exits) -> Exits:
    """As many topics as there are dialogues, those last moved: the same ones in any order."""
    if len(exits) <= MAX_DIALOGUES:
        return exits
    ordered = sorted(
        exits.items(), key=lambda item: (item[0].endswith("/*"), _last_moved(item[1]), item[0])
    )
    return dict(ordered[-MAX_DIALOGUES:])


def _last_moved(records: bytes) -> bytes:
    return max(records[at + _KEY : at + RECORD] for at in range(0, len(records), RECORD))
