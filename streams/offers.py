"""The likeliest next topics of a customer: transitions, shrunk towards popularity."""

from collections.abc import Callable, Container
from heapq import nsmallest

import msgspec

from schemas.models import Transitions

SHRINKAGE = 20.0
"""Customers that popularity counts for, against those seen to go from one topic to the next."""

MOST_POPULAR = 20
"""Popular topics considered besides the ones seen to follow."""


class NextTopic(msgspec.Struct, frozen=True, gc=False):
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
    popular: bool = True,
    least: int = 0,
) -> list[NextTopic]:
    """The `most` likeliest topics after `last` that are not `known`, best first.

    share(j) = (n_ij + k * popularity_j) / (n_i + k), the posterior mean of a multinomial under
    a Dirichlet prior of weight k = `SHRINKAGE` centred on popularity. Without `popular`, only
    topics that somebody went on to are considered; no other can have a lift above 1. Nothing is
    found while fewer than `least` customers went on from `last`.
    """
    total = transitions.begun_total
    if not total:
        return []
    following = transitions.following(last)
    of = sum(following.values())
    if of < least:
        return []
    begun = transitions.begun
    times_begun = begun.get
    weight = SHRINKAGE / total
    ranked = [
        (-count - weight * times_begun(topic, 0), topic)
        for topic, count in following.items()
        if topic not in known
    ]
    if popular:
        for topic in nsmallest(MOST_POPULAR, begun, key=lambda topic: (-begun[topic], topic)):
            if topic not in following and topic not in known:
                ranked.append((-weight * begun[topic], topic))
    ranked.sort()
    found: list[NextTopic] = []
    for score, topic in ranked:
        popularity = begun.get(topic, 0) / total
        if popularity > 0 and topic != last and covers(topic):
            share = -score / (of + SHRINKAGE)
            found.append(NextTopic(topic, share, share / popularity, following.get(topic, 0), of))
            if len(found) == most:
                break
    return found
