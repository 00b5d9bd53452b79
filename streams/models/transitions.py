"""Transitions between topics, and recent popularity, counted online."""

from collections.abc import Iterable, Mapping, Sequence

from streams.models.increments import Increments, increment

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
            topic: _Ranking(following, MAX_STRONGEST)
            for topic, following in self._following.items()
        }
        self._lately = dict(begun if lately is None else lately)
        self._popular = _Ranking(self._lately, MAX_POPULAR)
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
        return self._popular.names

    def following(self, topic: str) -> Mapping[str, int]:
        """Next topic -> how often it was begun by those who knew `topic`."""
        return self._following.get(topic, _NOTHING)

    def gone_on(self, topic: str) -> int:
        """The sum of `following`."""
        return self._gone_on.get(topic, 0)

    def strongest(self, topic: str) -> Sequence[str]:
        """The most frequent ones of `following`, most frequent first."""
        found = self._strongest.get(topic)
        return () if found is None else found.names

    def learn(
        self, previous: Iterable[str], topic: str, at: int, first: bool, increments: Increments
    ) -> None:
        """Counts that a customer who knows `previous` began `topic` at `at` (milliseconds), the
        `first` of all or not. Every increment is added to `increments`."""
        if self._made_up:
            self._made_up = False
            for name, count in self._lately.items():
                increment(increments, "lately", name, count)
            increment(increments, "totals", "customers", self.customers)
        begun = self._begun
        count = begun.get(topic, 0)
        if not count and len(begun) >= MAX_TOPICS:
            return
        begun[topic] = count + 1
        self._total += 1
        increment(increments, "begun", topic, 1)
        self._learn_lately(topic, at, increments)
        for earlier in previous:
            if earlier != topic and self._learn_pair(earlier, topic):
                increment(increments, "transitions", earlier + PAIR_SEPARATOR + topic, 1)
        if first:
            self._totals["customers"] = self.customers + 1
            increment(increments, "totals", "customers", 1)

    def _learn_pair(self, previous: str, topic: str) -> bool:
        """Whether there was room to count the pair."""
        following = self._following.get(previous)
        if following is None:
            if previous not in self._begun:
                return False
            following = self._following[previous] = {}
            self._strongest[previous] = _Ranking(following, MAX_STRONGEST)
        count = following.get(topic, 0)
        if not count:
            if len(following) >= MAX_FOLLOWING or self._pairs >= MAX_PAIRS:
                return False
            self._pairs += 1
        following[topic] = count + 1
        gone_on, arrived = self._gone_on, self._arrived
        gone_on[previous] = gone_on.get(previous, 0) + 1
        arrived[topic] = arrived.get(topic, 0) + 1
        self._arrived_total += 1
        self._strongest[previous].rise(topic)
        return True

    def _learn_lately(self, topic: str, at: int, increments: Increments) -> None:
        lately, period = self._lately, at // HALVING_MS
        before = self._totals.get("period", 0)
        if period > before:
            if before:
                for name, count in lately.items():
                    less = (count >> min(period - before, 63)) - count
                    lately[name] = count + less
                    increment(increments, "lately", name, less)
                self._popular = _Ranking(lately, MAX_POPULAR)
            self._totals["period"] = period
            increment(increments, "totals", "period", period - before)
        lately[topic] = lately.get(topic, 0) + 1
        self._popular.rise(topic)
        increment(increments, "lately", topic, 1)


class _Ranking:
    """The names with the greatest counts, of equal ones the first by name, kept while counts grow:
    most counts that grow change no place."""

    __slots__ = ("_counts", "_most", "_place", "names")

    def __init__(self, counts: Mapping[str, int], most: int) -> None:
        """`counts` may grow: by one at a time, each told to `rise`."""
        self.names = sorted(counts, key=lambda name: (-counts[name], name))[:most]
        self._place = {name: place for place, name in enumerate(self.names)}
        self._counts = counts
        self._most = most

    def rise(self, name: str) -> None:
        """Puts `name`, whose count has grown, where it belongs."""
        names, counts, count = self.names, self._counts, self._counts[name]
        place = self._place.get(name)
        if place is None:
            place = len(names)
            if place >= self._most:
                last = names[-1]
                if counts[last] > count or (counts[last] == count and last < name):
                    return
                place -= 1
                del self._place[names.pop()]
            names.append(name)
            self._place[name] = place
        while place:
            before = names[place - 1]
            if counts[before] > count or (counts[before] == count and before < name):
                return
            names[place], names[place - 1] = before, name
            self._place[before] = place
            place -= 1
            self._place[name] = place
