"""A customer who lives through events and the deadlines that come due in between."""

from collections.abc import Iterable
from functools import lru_cache

from schemas.effect import ClearDeadline, Folded, SetDeadline
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.fold.fold import fold
from streams.fold.timers import timer_event
from streams.playbook.compiled import CompiledPlaybook
from tests.harness.histories import BEGIN, MINUTE, MODELS, event

LADDERS = """
version: 1
ladders:
  product: [details, cart, purchase]
  complaint: [opened, working, resolved]
match:
  - {event: Viewed, topic: "product/{category}", stage: details}
  - {event: Added, topic: "product/{category}", stage: cart}
  - {event: Bought, topic: "product/{category}", stage: purchase, order: true}
  - {contact: opened, topic: "complaint/{about}", stage: opened}
  - {contact: working, topic: "complaint/{about}", stage: working}
  - {contact: resolved, topic: "complaint/{about}", stage: resolved}
"""


@lru_cache
def playbook_of(text: str) -> CompiledPlaybook:
    """The playbook of a small shop that goes on with `text`."""
    from infra.playbook.playbook_file import parse_playbook

    return parse_playbook(LADDERS + text, "test.yaml")


class SimulatedCustomer:
    """One customer. Times are minutes since the beginning."""

    def __init__(
        self, playbook: CompiledPlaybook, key: str = "u1", models: Models = MODELS
    ) -> None:
        self.playbook, self.key, self.models = playbook, key, models
        self.profile = Profile(key)
        self.deadlines: dict[str, int] = {}
        self.triggers: list[Trigger] = []
        self._count = 0

    def take(self, happened: Event) -> list[Trigger]:
        """Folds an event; what it decides."""
        outcome = fold(self.profile, self.key, happened, self.playbook, self.models)
        if not isinstance(outcome, Folded):
            return []
        self.profile = outcome.profile
        for effect in outcome.effects:
            if isinstance(effect, ClearDeadline):
                del self.deadlines[effect.kind]
            elif isinstance(effect, SetDeadline):
                self.deadlines[effect.kind] = effect.at
        assert self.profile.decisions.deadlines == self.deadlines
        found = [effect for effect in outcome.effects if isinstance(effect, Trigger)]
        self.triggers += found
        return found

    def does(self, name: str, minute: float, **more: object) -> list[Trigger]:
        """Something happens on the site, after the deadlines that are due before."""
        return self._happens("track", name, minute, more)

    def says(self, name: str, minute: float, about: str = "delivery") -> list[Trigger]:
        """The customer writes, or is written to about it."""
        return self._happens("contact", name, minute, {"about": about})

    def states(self, minute: float, **traits: object) -> list[Trigger]:
        """The customer says something about themselves."""
        return self._happens("identify", None, minute, traits)

    def lives_until(self, minute: float) -> list[Trigger]:
        """Lets every deadline until then come due, soonest first; what they decide."""
        end = BEGIN + int(minute * MINUTE)
        found: list[Trigger] = []
        for _ in range(1000):
            due = min(((at, kind) for kind, at in self.deadlines.items()), default=None)
            if due is None or due[0] > end:
                return found
            found += self.take(timer_event(self.key, due[1], due[0], max(due[0], BEGIN)))
            assert self.deadlines.get(due[1], end + 1) > due[0], "a deadline never goes back"
        raise AssertionError("the deadlines do not come to an end")

    def _happens(
        self, kind: str, name: str | None, minute: float, properties: dict[str, object]
    ) -> list[Trigger]:
        self.lives_until(minute)
        self._count += 1
        if kind == "track":
            properties = {"category": "shoes", **properties}
        return self.take(
            event(
                f"m{self._count}",
                kind,
                name=name,
                user_id=self.key,
                occurred_at=BEGIN + int(minute * MINUTE),
                properties=properties,
            )
        )


def said(triggers: Iterable[Trigger]) -> list[tuple[str, str | None]]:
    """(rule, what held it back) of each."""
    return [(trigger.rule, trigger.suppressed_by) for trigger in triggers]
