"""Metrics of a batch, counted once it is written."""

from collections.abc import Sequence

from infra.clock import now_ms
from infra.metrics import (
    DEAD_LETTERS,
    EVENTS_DROPPED,
    EVENTS_FOLDED,
    EVENTS_SUMMARISED,
    FOLD_LAG_SECONDS,
    TRIGGERS,
)
from schemas.dead_letter import DeadLetter
from streams.fold.batch import Batch


def count_batch(batch: Batch, letters: Sequence[DeadLetter], received_at: int | None) -> None:
    """Counts the outcomes of a batch whose first event was received at `received_at`
    (milliseconds); `letters` are its dead letters."""
    EVENTS_FOLDED.inc(batch.folded)
    EVENTS_SUMMARISED.inc(batch.summarised)
    for reason, count in batch.dropped.items():
        EVENTS_DROPPED.labels(reason).inc(count)
    for letter in letters:
        DEAD_LETTERS.labels(letter.reason).inc()
    for (kind, decision), count in batch.decided.items():
        TRIGGERS.labels(kind, decision).inc(count)
    if received_at is not None:
        FOLD_LAG_SECONDS.observe(max(0, now_ms() - received_at) / 1000)
