"""Dead letters in the archive. All methods block: call them from a thread."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import translated
from infra.dead_letters.filter import DeadLetterFilter
from infra.settings import Settings
from schemas.dead_letter import DeadLetter, DeadLetterState
from streams.archive.tables import DEAD_LETTERS_TABLE, EVENTS_TABLE
from streams.dead_letters.replay import Again

LETTERS = "daehwa.dead_letters"
OUTCOMES = "daehwa.dead_letter_outcomes"
MAX_BYTES = 8 * 1024 * 1024
"""Bytes of payloads per read, plus one letter."""

_HEAD = (
    "id, reason, detail, origin, toUnixTimestamp64Milli(at), state,"
    " ifNull(toUnixTimestamp64Milli(state_at), 0), state_by, state_detail, length(payload)"
)
_WHOLE = "id, reason, detail, origin, toUnixTimestamp64Milli(at), payload, batch"
_PLACES = (
    "profile_key, message_id, toUInt8(copy), log_partition, log_offset,"
    " toUnixTimestamp64Milli(archived_at)"
)
_NAMES_AT_ONCE = 200
"""Ids per query: the longest stay below ClickHouse's maximum query size."""


class LetterHead(msgspec.Struct, frozen=True):
    """A letter without its payload; times in milliseconds, `state_at` 0 while untouched."""

    id: str
    reason: str
    detail: str
    origin: str
    at: int
    state: str
    state_at: int
    state_by: str
    state_detail: str
    bytes: int


class Outcome(msgspec.Struct, frozen=True):
    """State of a letter: `by` whom, `at` (milliseconds), `detail` says why it stays open."""

    id: str
    state: DeadLetterState
    at: int
    by: str
    detail: str = ""


class Standing(msgspec.Struct, frozen=True):
    """Position of an archived event on the log (partition, offset), and time of archiving
    (milliseconds)."""

    place: tuple[int, int]
    archived_at: int


class ArchivedLetters:
    """Reads letters and writes their states.

    All methods raise `ClickHouseUnavailable` or `ClickHouseRefused`.
    """

    def __init__(self, settings: Settings) -> None:
        self._client: Client = open_client(settings)

    def listed(
        self, letter_filter: DeadLetterFilter, most: int, after: tuple[int, str] | None = None
    ) -> list[LetterHead]:
        """The latest first, at most `most`, after (`at`, id) of the last one seen."""
        condition, values = letter_filter.condition()
        if after is not None:
            condition += (
                " AND (at, id) < (fromUnixTimestamp64Milli(%(after_at)s, 'UTC'), %(after_id)s)"
            )
            values |= {"after_at": after[0], "after_id": after[1]}
        rows = self._ask(
            f"SELECT {_HEAD} FROM {LETTERS} WHERE {condition}"  # noqa: S608 - names of our own
            " ORDER BY at DESC, id DESC LIMIT %(most)s",
            {**values, "most": most},
        )
        return [LetterHead(*row) for row in rows]

    def find(self, letter_id: str) -> tuple[LetterHead, DeadLetter] | None:
        """One letter, whatever its state."""
        heads = self.listed(DeadLetterFilter(ids=(letter_id,), state=None), 1)
        return (heads[0], self.whole(heads)[0]) if heads else None

    def counted(self, letter_filter: DeadLetterFilter) -> int:
        """Number of letters that pass the filter."""
        condition, values = letter_filter.condition()
        ((found,),) = self._ask(
            f"SELECT count() FROM {LETTERS} WHERE {condition}",  # noqa: S608 - likewise
            values,
        )
        return int(found)

    def page(self, letter_filter: DeadLetterFilter, after_id: str, most: int) -> list[LetterHead]:
        """By id, after `after_id`: at most `most`, and about `MAX_BYTES` of payloads."""
        condition, values = letter_filter.condition()
        rows = self._ask(
            f"SELECT {_HEAD} FROM {LETTERS} WHERE id > %(after_id)s AND {condition}"  # noqa: S608 - likewise
            " ORDER BY id LIMIT %(most)s",
            {**values, "after_id": after_id, "most": most},
        )
        found: list[LetterHead] = []
        size = 0
        for head in (LetterHead(*row) for row in rows):
            size += head.bytes
            if found and size > MAX_BYTES:
                break
            found.append(head)
        return found

    def whole(self, heads: Sequence[LetterHead]) -> list[DeadLetter]:
        """The letters with their payloads, in the order of `heads`."""
        rows = self._ask(
            f"SELECT {_WHOLE} FROM {DEAD_LETTERS_TABLE} FINAL WHERE id IN %(ids)s",  # noqa: S608 - likewise
            {"ids": [head.id for head in heads]},
            strings_as_bytes=True,
        )
        found = {
            identity: DeadLetter(
                id=identity.decode(),
                reason=reason.decode(),
                detail=detail.decode("utf-8", "replace"),
                origin=origin.decode("utf-8", "replace"),
                at=at,
                payload=payload,
                batch=batch,
            )
            for identity, reason, detail, origin, at, payload, batch in rows
        }
        return [found[head.id.encode()] for head in heads if head.id.encode() in found]

    def on_the_log(self, events: Iterable[Again]) -> dict[tuple[str, str, int], list[Standing]]:
        """(owner, message id, hops) -> position of the archived event."""
        asked = {(one.owner, one.message_id, min(one.hops, 255)) for one in events}
        names = sorted({(owner, message_id) for owner, message_id, _ in asked})
        rows: list[tuple[Any, ...]] = []
        for begin in range(0, len(names), _NAMES_AT_ONCE):
            rows += self._ask(
                f"SELECT {_PLACES} FROM {EVENTS_TABLE}"  # noqa: S608 - likewise
                " WHERE (profile_key, message_id) IN %(names)s",
                {"names": names[begin : begin + _NAMES_AT_ONCE]},
            )
        found: dict[tuple[str, str, int], list[Standing]] = {}
        for owner, message_id, copy, partition, offset, archived_at in rows:
            standing = Standing((partition, offset), archived_at)
            found.setdefault((owner, message_id, copy), []).append(standing)
        return found

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Writes states of letters; the latest of a letter counts."""
        if not outcomes:
            return
        rows = [(one.id, one.state, one.at, one.by, one.detail) for one in outcomes]
        translated(
            lambda: self._client.execute(
                f"INSERT INTO {OUTCOMES} (id, state, at, by, detail) VALUES", rows
            )
        )

    def close(self) -> None:
        """Closes the connection."""
        self._client.disconnect()

    def _ask(
        self, query: str, values: Mapping[str, Any], *, strings_as_bytes: bool = False
    ) -> list[tuple[Any, ...]]:
        options = {"settings": {"strings_as_bytes": True}} if strings_as_bytes else {}
        found: list[tuple[Any, ...]] = translated(
            lambda: self._client.execute(query, values, **options)
        )
        return found
