"""Which topic follows which, counted as the events come."""

from collections import Counter
from collections.abc import Mapping

MOST_TOPICS = 5_000
"""Topics counted per partition; a label nobody meant as a topic cannot fill the memory."""

MOST_FOLLOWING = 200
"""Next topics counted per topic."""

PAIR_SEPARATOR = "\x1f"
"""Between the two topics of a pair, where one text stands for both."""

_NOTHING: Mapping[str, int] = {}


class CountedTransitions:
    """Counts of topics begun and of transitions between them, of one partition.

    Mutable: the fold reads it between events and whoever runs the fold adds what was learned.
    """

    def __init__(
        self,
        begun: Mapping[str, int] = _NOTHING,
        pairs: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._begun: Counter[str] = Counter(begun)
        self._total = sum(begun.values())
        self._following: dict[str, Counter[str]] = {}
        for (previous, topic), count in (pairs or {}).items():
            self._following.setdefault(previous, Counter())[topic] = count

    @classmethod
    def of(cls, begun: Mapping[str, int], pairs: Mapping[str, int]) -> "CountedTransitions":
        """From counts as they are written, a pair being one text."""
        split = {}
        for pair, count in pairs.items():
            previous, _, topic = pair.partition(PAIR_SEPARATOR)
            split[previous, topic] = count
        return cls(begun, split)

    @property
    def begun(self) -> Mapping[str, int]:
        """Topic -> customers who began it."""
        return self._begun

    @property
    def begun_total(self) -> int:
        """The sum of `begun`."""
        return self._total

    def following(self, topic: str) -> Mapping[str, int]:
        """Next topic -> customers who began it after `topic`."""
        return self._following.get(topic, _NOTHING)

    def learn(self, previous: str | None, topic: str) -> tuple[bool, bool]:
        """Counts one more beginning; whether there was room for the topic, and for the pair."""
        if topic not in self._begun and len(self._begun) >= MOST_TOPICS:
            return False, False
        self._begun[topic] += 1
        self._total += 1
        if previous is None or previous == topic:
            return True, False
        following = self._following.setdefault(previous, Counter())
        if topic not in following and len(following) >= MOST_FOLLOWING:
            return True, False
        following[topic] += 1
        return True, True
