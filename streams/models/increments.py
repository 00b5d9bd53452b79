"""Increments of learned counts: what a batch adds to the stored ones."""

Increments = dict[str, dict[str, int]]
"""Kind -> field -> increment."""


def increment(increments: Increments, kind: str, field: str, by: int) -> None:
    """Adds `by` to the increment of a count."""
    fields = increments.get(kind)
    if fields is None:
        fields = increments[kind] = {}
    fields[field] = fields.get(field, 0) + by
