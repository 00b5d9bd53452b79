"""How good the next offer is: the next new category of households, against three baselines."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bench.completejourney import Basket, baskets
from bench.figure import Figure
from schemas.profile import Dialogue
from streams.models.offers import OfferQuery, interests, known_beside, next_topics
from streams.models.transitions import CountedTransitions
from streams.profile.dialogues import advance

PARTS = {"validation": (7, 10), "test": (10, 13)}
"""Months of 2017; everything before is only learned from. Constants were chosen on the first."""

METHODS = ("ours", "popularity", "markov", "item_knn")
MARKOV_PRIOR = 20.0


def measure(part: str = "test") -> Iterator[Figure]:
    """offers.hit_rate_at_5, offers.mrr, offers.vs_*, offers.us_per_recommendation.

    A case is a basket with a category that its household never bought; the method ranks all
    categories that are new to the household, before the basket is learned from, and the first
    one that is in the basket counts.
    """
    tried = DryRun(baskets(), *PARTS[part])
    tried.run()
    about: dict[str, Any] = {"cases": tried.cases, "part": part}
    hits = {name: tried.hits[name] / tried.cases for name in METHODS}
    reciprocal = {name: tried.reciprocal[name] / tried.cases for name in METHODS}
    baselines = METHODS[1:]
    yield Figure("offers.hit_rate_at_5", round(hits["ours"], 4), "share",
                 about | {name: round(hits[name], 4) for name in baselines})  # fmt: skip
    yield Figure("offers.mrr", round(reciprocal["ours"], 4), "mean reciprocal rank",
                 about | {name: round(reciprocal[name], 4) for name in baselines})  # fmt: skip
    for name in baselines:
        yield Figure(
            f"offers.vs_{name}", round(hits["ours"] / hits[name], 3), "ratio",
            {"mrr_ratio": round(reciprocal["ours"] / reciprocal[name], 3)},
        )  # fmt: skip
    yield Figure(
        "offers.us_per_recommendation", round(tried.seconds / tried.cases * 1e6, 1), "µs",
        {"topics_known": round(tried.known / tried.cases)},
    )  # fmt: skip


class DryRun:
    """All methods learn and are asked basket by basket, in the order of time."""

    def __init__(self, history: Sequence[Basket], begin: int, end: int) -> None:
        self._history = history
        self._begin, self._end = _month(begin), _month(end)
        names = sorted({name for basket in history for name in basket.categories})
        self._names = names
        self._number = {name: number for number, name in enumerate(names)}
        many = len(names)
        self._households: dict[int, dict[str, Dialogue]] = {}
        self._last: dict[int, int] = {}
        self._learned = CountedTransitions()
        self._begun = np.zeros(many)
        self._pairs = np.zeros((many, many))
        """Category bought last -> new category."""
        self._together = np.zeros((many, many))
        """Households that have bought both."""
        self.cases = 0
        self.hits = dict.fromkeys(METHODS, 0)
        self.reciprocal = dict.fromkeys(METHODS, 0.0)
        self.seconds = 0.0
        self.known = 0

    def run(self) -> None:
        """Goes through the year up to the end of the part."""
        for basket in self._history:
            if basket.at >= self._end:
                break
            dialogues = self._households.setdefault(basket.household, {})
            if basket.at >= self._begin and dialogues:
                new = {name for name in basket.categories if name not in dialogues}
                if new:
                    self._ask(basket.household, dialogues, new)
            self._learn(basket, dialogues)

    def _ask(self, household: int, dialogues: dict[str, Dialogue], new: set[str]) -> None:
        self.cases += 1
        self.known += len(dialogues)
        last = self._names[self._last[household]]
        considered = interests(dialogues, {})
        query = OfferQuery(last, considered, known=dialogues, covers=_any)
        everything = next_topics(query, self._learned, most=len(self._names))
        started = time.process_time()
        query = OfferQuery(last, interests(dialogues, {}), known=dialogues, covers=_any)
        next_topics(query, self._learned, popular=False)
        self.seconds += time.process_time() - started
        self._note("ours", [offer.topic for offer in everything], new)
        begun = self._begun
        known = np.array([self._number[name] for name in dialogues])
        self._rank("popularity", begun, known, new)
        row = self._pairs[self._last[household]]
        self._rank("markov", row + MARKOV_PRIOR * begun / begun.sum(), known, new)
        sizes = np.maximum(begun, 1)
        cosine = self._together[known] / np.sqrt(sizes[known][:, None] * sizes)
        self._rank("item_knn", cosine.sum(axis=0), known, new)

    def _rank(self, method: str, scores: Any, known: Any, new: set[str]) -> None:
        scores = scores.copy()
        scores[known] = -1.0
        order = np.argsort(-scores, kind="stable")[: len(scores) - len(known)]
        self._note(method, [self._names[number] for number in order], new)

    def _note(self, method: str, ranked: list[str], new: set[str]) -> None:
        for place, name in enumerate(ranked, 1):
            if name in new:
                self.hits[method] += place <= 5
                self.reciprocal[method] += 1 / place
                return

    def _learn(self, basket: Basket, dialogues: dict[str, Dialogue]) -> None:
        before = dict(dialogues)
        new: list[str] = []
        for name in basket.categories:
            dialogues[name] = advance(dialogues.get(name), "purchase", "store", basket.at)
        for name in basket.categories:
            number = self._number[name]
            if name not in before:
                previous = known_beside(dialogues, name)
                first = not before and not new
                self._learned.learn(previous, name, basket.at, first, {})
                self._begun[number] += 1
                if basket.household in self._last:
                    self._pairs[self._last[basket.household], number] += 1
                for other in (*before, *new):
                    self._together[number, self._number[other]] += 1
                    self._together[self._number[other], number] += 1
                new.append(name)
            self._last[basket.household] = number


def _month(number: int) -> int:
    year, month = 2017 + (number - 1) // 12, (number - 1) % 12 + 1
    return round(time.mktime((year, month, 1, 0, 0, 0, 0, 0, 0)) * 1_000)


def _any(_: str) -> bool:
    return True


if __name__ == "__main__":
    for figure in measure(*sys.argv[1:]):
        print(figure)
