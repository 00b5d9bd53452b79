"""The likeliest next topics of a customer: transitions, shrunk towards popularity."""

from collections.abc import Callable, Container

import msgspec

from schemas.models import Transitions

SHRINKAGE = 20.0
"""Customers that popularity counts for, against those seen to go from one topic to the next."""

MOST_POPULAR = 20
"""Popular topics considered besides the ones seen to follow."""


class NextTopic(msgspec.Struct, frozen=True):
    """A candidate for the next offer."""

    topic: str
    share: float
    """P(topic | last topic), shrunk."""
    lift: float
    """`share` over the topic's share among all dialogues begun."""
    seen: int
    """Customers who went from the last topic to this one."""
    of: int
    """Customers who went on from the last topic at all."""


def next_topics(
    last: str,
    transitions: Transitions,
    *,
    known: Container[str],
    covers: Callable[[str], bool],
    most: int = 3,
) -> list[NextTopic]:
    """The `most` likeliest topics after `last` that are not `known`, best first.

    share(j) = (n_ij + k * popularity_j) / (n_i + k), the posterior mean of a multinomial under
    a Dirichlet prior of weight k = `SHRINKAGE` centred on popularity.
    """
    total = transitions.begun_total
    if not total:
        return []
    following = transitions.following(last)
    of = sum(following.values())
    begun = transitions.begun
    candidates = set(following)
    if len(begun) <= MOST_POPULAR:
        candidates.update(begun)
    else:
        candidates.update(sorted(begun, key=lambda topic: (-begun[topic], topic))[:MOST_POPULAR])
    found = []
    for topic in candidates:
        if topic == last or topic in known or not covers(topic):
            continue
        popularity = begun.get(topic, 0) / total
        if popularity <= 0:
            continue
        seen = following.get(topic, 0)
        share = (seen + SHRINKAGE * popularity) / (of + SHRINKAGE)
        found.append(NextTopic(topic, share, share / popularity, seen, of))
    found.sort(key=lambda next_topic: (-next_topic.share, next_topic.topic))
    return found[:most]
