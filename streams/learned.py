"""What all customers of a partition have taught, as plain counts by kind."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from streams.transitions import PAIR_SEPARATOR, CountedTransitions

MOST_FIELDS: Final[dict[str, int]] = {
    "begun": 0,
    "transitions": 0,
    "offers": 20_000,
}
"""Kind -> fields counted per partition; a label nobody meant cannot fill the memory. The first two
are bounded by `CountedTransitions`. A kind is the end of its Redis key: new names, never reused."""

_NOTHING: Mapping[str, int] = {}


class Learned:
    """The counts of one partition.

    Mutable: the fold reads it between events and whoever runs the fold adds what was learned.
    """

    def __init__(self, counts: Mapping[str, Mapping[str, int]] | None = None) -> None:
        """`counts` is kind -> field -> count, as it was written."""
        given = counts or {}
        self.transitions = CountedTransitions.of(
            given.get("begun", _NOTHING), given.get("transitions", _NOTHING)
        )
        self._counts: dict[str, Counter[str]] = {
            kind: Counter(fields)
            for kind, fields in given.items()
            if kind not in ("begun", "transitions")
        }

    def counts(self, kind: str) -> Mapping[str, int]:
        """Field -> count, of any kind but the transitions'."""
        return self._counts.get(kind, _NOTHING)

    def count(self, kind: str, field: str, by: int) -> bool:
        """Adds to a count (negative takes away); whether there was room. KeyError: unknown kind."""
        most = MOST_FIELDS[kind]
        fields = self._counts.setdefault(kind, Counter())
        if field not in fields and len(fields) >= most:
            return False
        fields[field] += by
        return True

    def everything(self) -> dict[str, dict[str, int]]:
        """Kind -> field -> count, as it is written."""
        transitions = self.transitions
        found = {
            "begun": dict(transitions.begun),
            "transitions": {
                topic + PAIR_SEPARATOR + following: count
                for topic in transitions.begun
                for following, count in transitions.following(topic).items()
            },
            **{kind: dict(fields) for kind, fields in self._counts.items()},
        }
        return {kind: fields for kind, fields in found.items() if fields}
