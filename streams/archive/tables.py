"""The tables that the archive worker writes, their columns, and the times they hold."""

from typing import Final

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

EARLIEST: Final = 0
LATEST: Final = 9_904_550_399_999
"""Milliseconds: the latest DateTime64."""
