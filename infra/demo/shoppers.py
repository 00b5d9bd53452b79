"""The visitors of the demo shop, one after another, as they would come by themselves."""

from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any

from infra.demo.people import Person, new_person
from infra.demo.visits import Visit

MAX_PEOPLE = 2_000
"""Maximum of shoppers remembered for another visit."""

MAX_GAP_MS = 60_000
"""After a longer pause (a laptop that slept) the gap is skipped."""

_COMES_BACK = 0.75
_MIN_AWAY_MS = 60_000


class Shoppers:
    """A stream of items in the order of time; the same `random` gives the same stream."""

    def __init__(self, random: Random, began: int, events_per_second: float) -> None:
        """`began`: milliseconds since 1970. `events_per_second` may be changed at any time."""
        self.events_per_second = events_per_second
        self._random = random
        self._number = 0
        self._arrival = float(began)
        self._people: list[Person] = []
        self._coming: list[tuple[int, int, dict[str, Any]]] = []
        self._planned = 0
        self._visits = 0

    def until(self, now: int) -> list[dict[str, Any]]:
        """The items (of type page, track and identify) that happened up to `now` (milliseconds)
        and were not returned yet."""
        self._arrival = max(self._arrival, float(now - MAX_GAP_MS))
        while self._arrival <= now:
            self._arrive(int(self._arrival))
            each = self._planned / self._visits
            per_second = max(self.events_per_second, 1e-3) / each
            self._arrival += self._random.expovariate(per_second) * 1000
        items = []
        while self._coming and self._coming[0][0] <= now:
            items.append(heappop(self._coming)[2])
        return items

    def customers(self) -> Sequence[str]:
        """The customer ids of those remembered who have logged in."""
        return [person.user_id for person in self._people if person.user_id is not None]

    def _arrive(self, at: int) -> None:
        visit = Visit(self._random, self._somebody(at), at)
        visit.happen()
        for when, item in visit.items:
            self._planned += 1
            heappush(self._coming, (when, self._planned, item))
        self._visits += 1

    def _somebody(self, at: int) -> Person:
        random = self._random
        if self._people and random.random() < _COMES_BACK:
            person = random.choice(self._people)
            if person.busy_until + _MIN_AWAY_MS <= at:
                return person
        self._number += 1
        person = new_person(random, self._number)
        if len(self._people) < MAX_PEOPLE:
            self._people.append(person)
        else:
            self._people[random.randrange(MAX_PEOPLE)] = person
        return person
