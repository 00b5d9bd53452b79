"""Counts learned from all customers of a partition, by kind."""

from collections.abc import Mapping
from typing import Final

from streams.models import transitions
from streams.models.increments import Increments, increment

MAX_FIELDS: Final[dict[str, int]] = {
    **dict.fromkeys(transitions.KINDS, 0),
    "offers": 20_000,
    "spend": 5_000,
}
"""Kind -> fields counted per partition; a bound against arbitrary labels. The kinds of
`CountedTransitions` have bounds of their own. A kind is the end of its Redis key: new names, never
reused."""

_NOTHING: Mapping[str, int] = {}


class Learned:
    """The counts of one partition.

    Mutable: the fold reads it between events and whoever runs the fold adds what was learned.
    """

    def __init__(self, counts: Mapping[str, Mapping[str, int]] = {}) -> None:
        """`counts` is kind -> field -> count, as stored."""
        self.transitions = transitions.CountedTransitions.of(counts)
        self._counts: dict[str, dict[str, int]] = {
            kind: dict(fields) for kind, fields in counts.items() if kind not in transitions.KINDS
        }

    def counts(self, kind: str) -> Mapping[str, int]:
        """Field -> count, of any kind but the transitions'."""
        return self._counts.get(kind, _NOTHING)

    def count(self, kind: str, field: str, by: int, increments: Increments) -> None:
        """Adds to a count, and to its increment; to neither where the bound is reached. Raises
        `KeyError` for an unknown kind."""
        most = MAX_FIELDS[kind]
        fields = self._counts.get(kind)
        if fields is None:
            fields = self._counts[kind] = {}
        count = fields.get(field)
        if count is None:
            if len(fields) >= most:
                return
            count = 0
        fields[field] = count + by
        increment(increments, kind, field, by)

    def everything(self) -> dict[str, dict[str, int]]:
        """Kind -> field -> count, as stored."""
        found = self.transitions.written()
        found.update((kind, dict(fields)) for kind, fields in self._counts.items())
        return {kind: fields for kind, fields in found.items() if fields}
