"""All data held on a customer, line by line."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import translated
from infra.privacy.archived_rows import DEAD_LETTERS_OF, EVENTS_OF, TRIGGERS_OF, naming
from infra.settings import Settings
from streams.archive.tables import (
    DEAD_LETTERS_TABLE,
    EVENTS_TABLE,
    TRIGGERS_TABLE,
)
from streams.codec.codec import UNREADABLE

ROWS_AT_ONCE = 1_000
SORTED_IN_MEMORY = 64 * 1024 * 1024
"""Bytes that ClickHouse sorts in memory; beyond them it sorts on disk."""

_JSON = frozenset({"properties", "context", "why"})

_QUERIES = (
    (
        "consent",
        "SELECT about, granted, occurred_at, channel, operator, source, message_id"
        " FROM daehwa.consents WHERE customer_id IN %(ids)s ORDER BY occurred_at",
    ),
    (
        "event",
        "SELECT message_id, type, channel, name, profile_key, user_id, anonymous_id, previous_id,"  # noqa: S608 - names of our own
        " direction, operator, outcome, topics, stages, properties, context, findings,"
        " value_hundredths / 100 AS value, currency, occurred_at, received_at, sent_at, source"
        f" FROM {EVENTS_TABLE} FINAL WHERE {EVENTS_OF} AND copy = 0"
        " ORDER BY occurred_at, message_id",
    ),
    (
        "trigger",
        "SELECT id, type, rule, customer_id, topic, stage, occurred_at, decided_at, decision,"  # noqa: S608 - likewise
        " suppressed_by, reason, why, channel, endpoint, template, campaign, arm"
        f" FROM {TRIGGERS_TABLE} FINAL WHERE {TRIGGERS_OF} ORDER BY decided_at, id",
    ),
    (
        "dead_letter",
        "SELECT id, reason, detail, origin, at, payload"  # noqa: S608 - likewise
        f" FROM {DEAD_LETTERS_TABLE} FINAL WHERE {DEAD_LETTERS_OF} ORDER BY at, id",
    ),
)

_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


def export_line(kind: str, data: Any) -> bytes:
    """One line of an export: kind and data."""
    return _encode({"kind": kind, "data": data}) + b"\n"


def archived_lines(settings: Settings, ids: Sequence[str]) -> Iterator[bytes]:
    """The lines from the archive: consent, events, triggers, dead letters; a few rows at a time are
    in memory. Blocks. Raises ClickHouseUnavailable or ClickHouseRefused."""
    client = open_client(settings)
    asked = naming(ids)
    try:
        for kind, query in _QUERIES:
            found = translated(
                lambda: client.execute_iter(
                    query,  # noqa: B023 - called here
                    asked,
                    with_column_types=True,
                    chunk_size=ROWS_AT_ONCE,
                    settings={
                        "max_block_size": ROWS_AT_ONCE,
                        "max_bytes_before_external_sort": SORTED_IN_MEMORY,
                    },
                )
            )
            (first, *rows) = translated(lambda: next(found))  # noqa: B023 - called here
            names = [name for name, _ in first]
            while rows:
                for row in rows:
                    yield export_line(kind, dict(zip(names, map(_shown, names, row), strict=True)))
                rows = translated(lambda: next(found, None))  # noqa: B023 - called here
    finally:
        client.disconnect()


def archived_ids(settings: Settings, customer_id: str) -> list[str]:
    """The ids that were merged into the customer. Blocks, raises as `archived_lines` does."""
    client = open_client(settings, answer_seconds=10)
    try:
        rows = translated(
            lambda: client.execute(
                "SELECT visitor_id FROM daehwa.identities WHERE customer_id = %(id)s",
                {"id": customer_id},
            )
        )
    finally:
        client.disconnect()
    return [visitor for (visitor,) in rows]


def _shown(name: str, value: Any) -> Any:
    if name not in _JSON or not isinstance(value, str):
        return value
    try:
        return _decode_any(value)
    except UNREADABLE:
        return value
