"""Outcomes of offers, counted per topic and segment, for Thompson sampling.

An offer that fired is counted as shown at once; begins its customer a dialogue on the topic within
`WINDOW_MS`, it is counted as taken. So nothing has to be done when the time passes, and what is
still open counts against the offer a little early. Held-back offers are no outcomes.

Why a replay decides the same: the counts are written with the watermark and change only with the
events of the log, and what looks like chance is a hash of the message that is being folded.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from statistics import NormalDist

from msgspec.structs import replace
from xxhash import xxh3_64_intdigest

from schemas.decisions import Decisions, Offered
from schemas.effect import Count
from streams.models.offers import NextTopic

KIND = "offers"
"""The kind of counts; a field is `topic US segment US shown|taken`."""

WINDOW_MS = 7 * 86_400_000
"""Window after an offer in which a dialogue on its topic counts as taken."""

MAX_OPEN = 4
"""Latest offers remembered in a profile until taken or until the window has passed."""

PRIOR_WEIGHT = 200.0
"""Weight of the model's estimate, in offers with a known outcome."""

MAX_COMPARED = 3
"""Candidates that are compared by sampling, the likeliest ones."""

_SEPARATOR = "\x1f"
_ALL = float(1 << 64) * (1 + 1e-15)
_normal = NormalDist().inv_cdf


class Chosen:
    """The chosen offer with its outcome counts and draw."""

    __slots__ = ("explored", "offer", "sampled", "shown", "taken")

    def __init__(
        self, offer: NextTopic, sampled: float, shown: int, taken: int, explored: bool
    ) -> None:
        self.offer = offer
        self.sampled = sampled
        self.shown = shown
        self.taken = taken
        self.explored = explored
        """Whether sampling chose another offer than the model alone."""


def choose(
    found: Sequence[NextTopic], counts: Mapping[str, int], segment: str, message_id: str
) -> Chosen:
    """The one of the candidates (best first, at least one) to offer: the greatest draw from each
    one's Beta(k*p + taken, k*(1-p) + shown - taken), k = `PRIOR_WEIGHT`, p the model's estimate.

    Thompson 1933; the same message and counts draw the same.
    """
    scale = min(found[0].share, 0.5) / found[0].score
    draws = []
    for offer in found[:MAX_COMPARED]:
        shown, taken = outcomes(counts, offer.topic, segment)
        expected = PRIOR_WEIGHT * offer.score * scale
        drawn = beta_draw(
            expected + taken,
            PRIOR_WEIGHT - expected + max(shown - taken, 0),
            f"{message_id}{_SEPARATOR}{offer.topic}",
        )
        draws.append(Chosen(offer, drawn, shown, taken, offer is not found[0]))
    return max(draws, key=lambda one: one.sampled)


def beta_draw(a: float, b: float, seed: str) -> float:
    """A draw from Beta(a, b), the same for the same seed: the normal distribution with its mean
    and variance, which is close for the weights at hand and costs a microsecond."""
    of = a + b
    mean = a / of
    quantile = (xxh3_64_intdigest(seed.encode("utf-8", "surrogatepass")) + 0.5) / _ALL
    return mean + _normal(quantile) * sqrt(mean * (1 - mean) / (of + 1))


def outcomes(counts: Mapping[str, int], topic: str, segment: str) -> tuple[int, int]:
    """How often the offer was (shown, taken) in the segment."""
    field = topic + _SEPARATOR + segment + _SEPARATOR
    return counts.get(field + "shown", 0), counts.get(field + "taken", 0)


def shown(decisions: Decisions, topic: str, segment: str, at: int) -> tuple[Decisions, Count]:
    """The memory of an offer that fired at `at` (milliseconds), and its count."""
    still = [one for one in decisions.offered if one.topic != topic and at - one.at <= WINDOW_MS]
    offered = (*still[1 - MAX_OPEN :], Offered(topic, at, segment))
    counted = Count(KIND, _SEPARATOR.join((topic, segment, "shown")))
    return replace(decisions, offered=offered), counted


def record_acceptance(
    decisions: Decisions, topics: Iterable[str], at: int
) -> tuple[Decisions, list[Count]]:
    """The memory once dialogues on these topics were begun at `at` (milliseconds), and the counts
    of those that were offered within the window."""
    open_ones = decisions.offered
    counted: list[Count] = []
    for topic in topics:
        for one in open_ones:
            if one.topic == topic:
                open_ones = tuple(other for other in open_ones if other is not one)
                if at - one.at <= WINDOW_MS:
                    field = _SEPARATOR.join((one.topic, one.segment, "taken"))
                    counted.append(Count(KIND, field))
    if len(open_ones) == len(decisions.offered):
        return decisions, counted
    return replace(decisions, offered=open_ones), counted


def merge_offered(one: Iterable[Offered], other: Iterable[Offered]) -> tuple[Offered, ...]:
    """The latest offers of both, each topic once."""
    latest: dict[str, Offered] = {}
    for offered in (*one, *other):
        held = latest.get(offered.topic)
        if held is None or (offered.at, offered.segment) > (held.at, held.segment):
            latest[offered.topic] = offered
    return tuple(sorted(latest.values(), key=lambda offered: (offered.at, offered.topic)))[
        -MAX_OPEN:
    ]
