"""The likeliest next topics of a customer: recent popularity among customers new to a topic, times
the evidence of the customer's own topics.

score(j) = hazard(j) * prod_i lift(i, j) ** (weight_i * min(1, `EVIDENCE` / sum of weights))

* hazard(j): customers who began j lately over those who never began it; where nearly every customer
has bought milk, milk is unlikely for the others.
* lift(i, j): P(next j | knows i) over P(next j | knows any topic), where P(j | i) is the
  posterior mean of a multinomial under a Dirichlet prior of weight k = `SHRINKAGE` centred on the
  latter: 1 where nothing was seen. As a product: naive Bayes, tempered because the topics of one
  customer hang together.

`docs/decisions/0013-next-offer.md` has the experiment behind it.
"""

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import filterfalse, islice

import msgspec
from xxhash import xxh3_64_intdigest

from schemas.models import Transitions
from schemas.profile import Dialogue
from streams.profile.dialogues import first_at

SHRINKAGE = 50.0
"""Transitions that the prior counts for, against those seen from one topic to the next."""

STRANGERS = 20.0
"""Prior number of customers who never began a topic, against a small denominator."""

MAX_INTERESTS = 20
"""Topics of the customer that are considered."""

MAX_LOOKED_AT = 2
"""Of these, the ones whose strongest next topics are candidates."""

COMPLEMENT_LIFT = 2.0
"""Lift of a topic that the playbook calls a complement."""

MAX_POPULAR = 48
"""Popular topics new to the customer that are candidates as well."""

MAX_AT_A_CLICK = 8
"""Strongest next topics that are candidates without popular ones."""

MAX_TAUGHT = 8
"""Topics of a customer for which a new topic counts as a transition."""

EVIDENCE = 2.0
"""Weight of evidence that counts in full; more is tempered, because a customer's topics are
dependent."""

Interest = tuple[str, int]
"""(topic of the customer, how much it counts)."""


class OfferQuery(msgspec.Struct, frozen=True, gc=False):
    """The customer side of a search for the next offer."""

    last: str
    """The topic reached last."""
    considered: Sequence[Interest]
    """The topics that speak for candidates, heaviest first."""
    known: Collection[str]
    """Topics the customer has begun: none of them is a candidate."""
    covers: Callable[[str], bool]
    """Whether the playbook offers a topic."""
    complements: Collection[str] = ()
    """Topics that the playbook pairs with `last`."""


class NextTopic(msgspec.Struct, frozen=True, gc=False):
    """A candidate for the next offer."""

    topic: str
    after: str
    """The customer's topic that speaks for it: the one just reached, else the strongest."""
    share: float
    """P(topic is what is begun next | knows `after`), shrunk."""
    lift: float
    """`share` over the topic's share among all transitions."""
    seen: int
    """Transitions from `after` to this topic."""
    of: int
    """Transitions from `after` to any."""
    score: float
    """Ranking score; only ratios of scores have a meaning."""
    combined: float
    """Lift by all topics of the customer; above 1 is evidence for the candidate."""
    complement: bool = False
    """The playbook says that it goes well with the topic just reached."""


def interests(
    dialogues: Mapping[str, Dialogue], ranks: Mapping[str, Mapping[str, int]]
) -> list[Interest]:
    """The topics with most events, heaviest first, at most `MAX_INTERESTS`. One past the middle of
    its ladder but not at the last stage counts double. `ranks` is topic family -> its ladder."""
    topics: Iterable[str] = dialogues
    if len(dialogues) > MAX_INTERESTS:
        topics = nlargest(
            MAX_INTERESTS,
            dialogues,
            key=lambda topic: (sum(dialogues[topic].channels.values()), topic),
        )
    found = []
    for topic in topics:
        ladder = ranks.get(topic.partition("/")[0])
        weight = 1
        if ladder:
            furthest = 0
            for stage in dialogues[topic].stages:
                rank = ladder.get(stage, 0)
                furthest = max(furthest, rank)
            last = len(ladder) - 1
            if furthest < last <= 2 * furthest:
                weight = 2
        found.append((-weight, topic))
    found.sort()
    return [(topic, -weight) for weight, topic in found]


def known_beside(dialogues: Mapping[str, Dialogue], topic: str) -> tuple[str, ...]:
    """The topics of a customer that `topic` comes after, at most `MAX_TAUGHT`.

    Of more, a systematic sample with a hashed start: each topic equally often in the long run. The
    latest topics would mostly be those of one order, which describes baskets and not customers.
    """
    others = [name for name in dialogues if name != topic]
    many = len(others)
    if many > MAX_TAUGHT:
        others.sort()
        begun = dialogues.get(topic)
        seed = f"{topic}\x1f{first_at(begun) if begun else 0}"
        begin = xxh3_64_intdigest(seed.encode("utf-8", "surrogatepass")) % many
        others = [others[begin - place * many // MAX_TAUGHT] for place in range(MAX_TAUGHT)]
    return tuple(others)


def next_topics(
    query: OfferQuery,
    transitions: Transitions,
    *,
    most: int = 3,
    eligible: Callable[[NextTopic], bool] | None = None,
    popular: bool = True,
    least: int = 0,
) -> list[NextTopic]:
    """The `most` likeliest next topics of a customer, best first.

    Without `popular`, only topics with evidence from the customer's own topics or the playbook are
    candidates. Complements aside, there are none while fewer than `least` transitions left
    `query.last`.
    """
    last, considered, known = query.last, query.considered, query.known
    names: set[str] = set()
    if transitions.gone_on(last) >= least:
        # At a click only candidates far above average matter, and the strongest few contain them.
        strongest = None if popular else MAX_AT_A_CLICK
        names.update(transitions.strongest(last)[:strongest])
        for topic, _ in considered[:MAX_LOOKED_AT]:
            if topic != last:
                names.update(transitions.strongest(topic)[:strongest])
        if popular:
            names.update(islice(filterfalse(known.__contains__, transitions.popular), MAX_POPULAR))
    said = frozenset(query.complements)
    names |= said
    names.difference_update(known)
    names.discard(last)
    if not names:
        return []
    found: list[NextTopic] = []
    above = -1.0 if popular else 1.0
    for score, topic, combined in _scored(names, said, considered, transitions, above):
        if not query.covers(topic):
            continue
        candidate = _explained(query, transitions, topic, -score, combined)
        if eligible is None or eligible(candidate):
            found.append(candidate)
            if len(found) == most:
                break
    return found


def _scored(
    names: Iterable[str],
    said: Container[str],
    considered: Sequence[Interest],
    transitions: Transitions,
    above: float,
) -> list[tuple[float, str, float]]:
    """(-score, topic, combined lift) of those whose combined lift is `above`, best first."""
    rows = []
    constant = 1.0
    total = 0
    for topic, weight in considered:
        total += weight
        of = transitions.gone_on(topic)
        if of:
            rows += [transitions.following(topic).get] * weight
            constant *= (SHRINKAGE / (of + SHRINKAGE)) ** weight
    tempered = min(1.0, EVIDENCE / total) if total else 1.0
    arrived, lately, begun = transitions.arrived, transitions.lately, transitions.begun
    prior = SHRINKAGE / max(transitions.arrived_total, 1)
    customers = transitions.customers + STRANGERS
    only = rows[0] if len(rows) == 1 else None
    ranked = []
    for topic in names:
        per_expected = 1 / (prior * (arrived.get(topic) or 1))
        if only is not None:  # most visitors by far
            combined = (constant * (1 + (only(topic) or 0) * per_expected)) ** tempered
        else:
            product = constant
            for count in [following(topic) for following in rows]:
                if count:
                    product *= 1 + count * per_expected
            combined = product**tempered
        if topic in said:
            combined *= COMPLEMENT_LIFT
        if combined <= above:
            continue
        strangers = customers - begun.get(topic, 0)
        hazard = (lately.get(topic, 0) + 1) / (strangers if strangers > STRANGERS else STRANGERS)
        ranked.append((-hazard * combined, topic, combined))
    ranked.sort()
    return ranked


def _explained(
    query: OfferQuery, transitions: Transitions, topic: str, score: float, combined: float
) -> NextTopic:
    """The candidate with the topic that speaks for it."""
    following = transitions.following
    expected = (transitions.arrived.get(topic, 0) or 1) / max(transitions.arrived_total, 1)

    def share_after(earlier: str) -> float:
        of = transitions.gone_on(earlier)
        seen = following(earlier).get(topic, 0)
        return (seen + SHRINKAGE * expected) / (of + SHRINKAGE)

    after = query.last
    share = share_after(after)
    if share <= expected:
        for earlier, _ in query.considered:
            found = share_after(earlier)
            if found > share:
                after, share = earlier, found
    return NextTopic(
        topic, after, share, share / expected, following(after).get(topic, 0),
        transitions.gone_on(after), score, combined, topic in query.complements,
    )  # fmt: skip
