"""The tables that the archive worker writes, their columns, and the times they hold."""

from typing import Final

import msgspec

EVENTS_TABLE: Final = "daehwa.events_stored"
EVENT_COLUMNS: Final = (
    "message_id",
    "type",
    "channel",
    "name",
    "profile_key",
    "addressed_to",
    "user_id",
    "anonymous_id",
    "previous_id",
    "direction",
    "operator",
    "outcome",
    "topics",
    "stages",
    "stage_ranks",
    "stage_ends",
    "sla_ms",
    "properties",
    "context",
    "findings",
    "value_hundredths",
    "currency",
    "left_topics",
    "left_stages",
    "order_step",
    "order_key",
    "order_amount",
    "order_currency",
    "refund_key",
    "occurred_at",
    "received_at",
    "sent_at",
    "source",
    "hops",
    "copy",
    "log_id",
    "log_partition",
    "log_offset",
    "log_index",
)

TRIGGERS_TABLE: Final = "daehwa.triggers_stored"
TRIGGER_COLUMNS: Final = (
    "id",
    "type",
    "rule",
    "customer_id",
    "topic",
    "stage",
    "occurred_at",
    "decided_at",
    "decision",
    "suppressed_by",
    "reason",
    "why",
    "channel",
    "endpoint",
    "template",
    "campaign",
    "arm",
    "priority",
    "playbook",
    "log_id",
    "log_partition",
    "log_offset",
)

DEAD_LETTERS_TABLE: Final = "daehwa.dead_letters_stored"
DEAD_LETTER_COLUMNS: Final = (
    "id",
    "reason",
    "detail",
    "origin",
    "at",
    "payload",
    "batch",
    "log_id",
    "log_partition",
    "log_offset",
)

COLUMNS_OF: Final = {
    EVENTS_TABLE: EVENT_COLUMNS,
    TRIGGERS_TABLE: TRIGGER_COLUMNS,
    DEAD_LETTERS_TABLE: DEAD_LETTER_COLUMNS,
}


class Identity(msgspec.Struct, frozen=True):
    """What makes two rows of a table one: of rows with equal `keys` the first receipt stays."""

    keys: tuple[str, ...]
    """Columns."""
    receipt: str
    """SQL: the smaller, the earlier was the receipt; as `receipt_of`."""
    receipt_of: tuple[str, ...]
    """Columns: milliseconds, and of events the forwards and the place in the record."""
    place_bits: int = 0
    """Lowest bits of a receipt that tell apart rows of one record only."""
    elsewhere: str = ""
    """Column: a row where it holds another value than the first key may have its double in
    another partition."""


IDENTITIES: Final = {
    EVENTS_TABLE: Identity(
        ("profile_key", "message_id", "copy"),
        "bitNot(receipt)",
        ("received_at", "hops", "log_index"),
        place_bits=18,
        elsewhere="addressed_to",
    ),
    TRIGGERS_TABLE: Identity(("customer_id", "id"), "bitNot(receipt)", ("decided_at",)),
}
"""Tables that the archive worker stores each row of once, whatever was received twice."""

FACT_TABLES: Final = (
    "daehwa.stages_stored",
    "daehwa.merges_stored",
    "daehwa.order_steps_stored",
    "daehwa.contacts_stored",
    "daehwa.findings_stored",
    "daehwa.consents_stored",
)
"""What materialized views take from each block of events. Each has the columns `profile_key`,
`addressed_to`, `occurred_at`, `message_id` and the place in the log."""


def loading_view(fact_table: str) -> str:
    """The materialized view that fills a table of `FACT_TABLES`."""
    return fact_table.removesuffix("_stored") + "_loading"


EARLIEST: Final = 0
LATEST: Final = 9_904_550_399_999
"""Milliseconds: the latest DateTime64."""
