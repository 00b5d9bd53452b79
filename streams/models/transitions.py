"""Transitions between topics, and recent popularity, counted online."""

from collections.abc import Callable, Iterable, Mapping, Sequence

MAX_TOPICS = 5_000
"""Topics counted per partition: a bound against arbitrary labels."""

MAX_FOLLOWING = 400
"""Next topics counted per topic; a frequent one may be seen late."""

MAX_PAIRS = 500_000
"""Pairs counted per partition, so that all topics together keep within some 100 MB."""

MAX_STRONGEST = 16
"""Strongest next topics kept as candidates."""

MAX_POPULAR = 256
"""Popular topics kept: far more than a profile has dialogues, so that enough are new to a
customer."""

HALVING_MS = 28 * 86_400_000
"""Half-life of recent popularity."""

PAIR_SEPARATOR = "\x1f"
"""Between the two topics of a pair, where one text stands for both."""

KINDS = ("begun", "transitions", "lately", "totals")
"""The kinds of counts (`streams.models.learned`) that these counts are written as."""

_NOTHING: Mapping[str, int] = {}

Tell = Callable[[str, str, int], None]
"""(kind, field, increment) of one count."""


class CountedTransitions:
    """Counts of topics begun and of transitions between them, of one partition.

    Mutable: the fold reads it between events and whoever runs the fold adds what was learned.
    Whatever is kept besides the counts follows from them alone, so that a worker that reads them
    again goes on exactly as the one that counted them.
    """

    def __init__(
        self,
        begun: Mapping[str, int] = _NOTHING,
        pairs: Mapping[tuple[str, str], int] | None = None,
        lately: Mapping[str, int] | None = None,
        totals: Mapping[str, int] = _NOTHING,
    ) -> None:
        # Plain dictionaries: an item of a Counter takes four times as long, and there are many.
        self._begun = dict(begun)
        self._total = sum(begun.values())
        self._following: dict[str, dict[str, int]] = {}
        self._gone_on: dict[str, int] = {}
        self._arrived: dict[str, int] = {}
        for (previous, topic), count in (pairs or {}).items():
            self._following.setdefault(previous, {})[topic] = count
            self._gone_on[previous] = self._gone_on.get(previous, 0) + count
            self._arrived[topic] = self._arrived.get(topic, 0) + count
        self._arrived_total = sum(self._arrived.values())
        self._pairs = len(pairs or ())
        self._strongest = {
            topic: _first(following, MAX_STRONGEST) for topic, following in self._following.items()
        }
        self._lately = dict(begun if lately is None else lately)
        self._popular = _first(self._lately, MAX_POPULAR)
        self._totals = dict(totals)
        # Written before `lately` and `totals` were: taken from what was begun, and told once.
        self._made_up = lately is None and bool(begun)
        if self._made_up and not totals:
            # The upper bound: an overestimate makes evidence weak, an underestimate too strong.
            self._totals["customers"] = self._total

    @classmethod
    def of(cls, counts: Mapping[str, Mapping[str, int]]) -> "CountedTransitions":
        """From counts as they are written: kind -> field -> count."""
        split = {}
        for pair, count in counts.get("transitions", _NOTHING).items():
            previous, _, topic = pair.partition(PAIR_SEPARATOR)
            split[previous, topic] = count
        return cls(
            counts.get("begun", _NOTHING), split, counts.get("lately"),
            counts.get("totals", _NOTHING),
        )  # fmt: skip

    def written(self) -> dict[str, dict[str, int]]:
        """Kind -> field -> count, as they are written."""
        pairs = {
            topic + PAIR_SEPARATOR + following: count
            for topic, found in self._following.items()
            for following, count in found.items()
        }
        return {
            "begun": dict(self._begun),
            "transitions": pairs,
            "lately": dict(self._lately),
            "totals": dict(self._totals),
        }

    @property
    def begun(self) -> Mapping[str, int]:
        """Topic -> customers who began it."""
        return self._begun

    @property
    def begun_total(self) -> int:
        """The sum of `begun`."""
        return self._total

    @property
    def lately(self) -> Mapping[str, int]:
        """Topic -> customers who began it, those of `HALVING_MS` ago counting half."""
        return self._lately

    @property
    def arrived(self) -> Mapping[str, int]:
        """Topic -> transitions to it, from any other."""
        return self._arrived

    @property
    def arrived_total(self) -> int:
        """The sum of `arrived`."""
        return self._arrived_total

    @property
    def customers(self) -> int:
        """Customers who began anything."""
        return self._totals.get("customers", 0)

    @property
    def popular(self) -> Sequence[str]:
        """The most popular recent topics, most frequent first."""
        return self._popular

    def following(self, topic: str) -> Mapping[str, int]:
        """Next topic -> how often it was begun by those who knew `topic`."""
        return self._following.get(topic, _NOTHING)

    def gone_on(self, topic: str) -> int:
        """The sum of `following`."""
        return self._gone_on.get(topic, 0)

    def strongest(self, topic: str) -> Sequence[str]:
        """The most frequent ones of `following`, most frequent first."""
        return self._strongest.get(topic, ())

    def learn(self, previous: Iterable[str], topic: str, at: int, first: bool, tell: Tell) -> None:
        """Counts that a customer who knows `previous` began `topic` at `at` (milliseconds), the
        `first` of all or not; `tell` hears of every count that has grown."""
        if self._made_up:
            self._made_up = False
            for name, count in self._lately.items():
                tell("lately", name, count)
            tell("totals", "customers", self.customers)
        begun = self._begun
        count = begun.get(topic, 0)
        if not count and len(begun) >= MAX_TOPICS:
            return
        begun[topic] = count + 1
        self._total += 1
        tell("begun", topic, 1)
        self._learn_lately(topic, at, tell)
        for earlier in previous:
            if earlier != topic:
                self._learn_pair(earlier, topic, tell)
        if first:
            self._totals["customers"] = self.customers + 1
            tell("totals", "customers", 1)

    def _learn_pair(self, previous: str, topic: str, tell: Tell) -> None:
        following = self._following.get(previous)
        if following is None:
            if previous not in self._begun:
                return
            following = self._following[previous] = {}
            self._strongest[previous] = []
        count = following.get(topic, 0)
        if not count:
            if len(following) >= MAX_FOLLOWING or self._pairs >= MAX_PAIRS:
                return
            self._pairs += 1
        following[topic] = count + 1
        self._gone_on[previous] = self._gone_on.get(previous, 0) + 1
        self._arrived[topic] = self._arrived.get(topic, 0) + 1
        self._arrived_total += 1
        _rise(self._strongest[previous], following, topic, MAX_STRONGEST)
        tell("transitions", previous + PAIR_SEPARATOR + topic, 1)

    def _learn_lately(self, topic: str, at: int, tell: Tell) -> None:
        lately, period = self._lately, at // HALVING_MS
        before = self._totals.get("period", 0)
        if period > before:
            if before:
                for name, count in lately.items():
                    less = (count >> min(period - before, 63)) - count
                    lately[name] = count + less
                    tell("lately", name, less)
                self._popular = _first(lately, MAX_POPULAR)
            self._totals["period"] = period
            tell("totals", "period", period - before)
        lately[topic] = lately.get(topic, 0) + 1
        _rise(self._popular, lately, topic, MAX_POPULAR)
        tell("lately", topic, 1)


def _first(counts: Mapping[str, int], most: int) -> list[str]:
    """The fields with the greatest counts, of equal ones the first by name."""
    return sorted(counts, key=lambda name: (-counts[name], name))[:most]


def _rise(first: list[str], counts: Mapping[str, int], name: str, most: int) -> None:
    """Keeps `first` what `_first` would find, after the count of `name` has grown."""
    count = counts[name]
    if len(first) >= most:
        last = first[-1]
        if last != name and (counts[last] > count or (counts[last] == count and last < name)):
            return
    try:
        place = first.index(name)
    except ValueError:
        if len(first) >= most:
            first.pop()
        place = len(first)
        first.append(name)
    while place:
        before = first[place - 1]
        if counts[before] > count or (counts[before] == count and before < name):
            break
        first[place] = before
        place -= 1
        first[place] = name
