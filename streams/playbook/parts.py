"""The parts of a compiled playbook: durations in milliseconds, names resolved, CEL compiled."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Literal

import msgspec

from schemas.playbook import Then
from streams.playbook.expressions import Expression


def beginning_of(topic: str) -> str | None:
    """Prefix of the topics of `family/*` or `*`; None for one exact topic."""
    return topic[:-1] if topic == "*" or topic.endswith("/*") else None


class CompiledCap(msgspec.Struct, frozen=True):
    """At most `at_most` triggers in any window of `per` milliseconds."""

    at_most: int
    per: int


class CompiledRule(msgspec.Struct, frozen=True):
    """A trigger rule with its durations in milliseconds."""

    name: str
    topic: str
    beginning: str | None
    """Prefix of its topics; None for one exact topic."""
    stages: tuple[str, ...]
    after: int
    expires: int | None
    cooldown: int
    p_alive: float
    least_customers: int
    when: str
    """Name of its trigger type."""
    condition: Expression | None = None
    """Its `if`."""
    then: Then = Then()
    cap: CompiledCap | None = None
    respects_quiet_hours: bool = True
    priority: int = 0
    campaign: str | None = None
    segment: str | None = None
    to: frozenset[str] = frozenset()
    """Relationship stages; empty: any."""
    by: Literal["purchases", "visits"] = "purchases"
    chance: float = 0.02
    least_days: int = 5

    def covers(self, topic: str) -> bool:
        """Whether the rule covers this topic."""
        beginning = self.beginning
        return topic == self.topic if beginning is None else topic.startswith(beginning)


class CompiledSegment(msgspec.Struct, frozen=True):
    """A segment and the groups of facts that can change its membership."""

    name: str
    expression: Expression
    groups: frozenset[str]
    """`streams.segments.facts.Group`, where `relationship` is resolved into what changes it."""


class CompiledRelationship(msgspec.Struct, frozen=True):
    """Conditions of the relationship stages, and the groups of facts that can change them."""

    regular: Expression
    advocate: Expression | None
    partner: Expression | None
    dormant: int | None
    """Milliseconds without an event, of somebody who has bought."""
    blocked: Expression | None
    groups: frozenset[str]


class CompiledQuietHours(msgspec.Struct, frozen=True):
    """Minutes of the local day; `begin` > `end` spans midnight, equal: the whole day."""

    begin: int
    end: int
    zone: str
    """IANA name of the default zone."""
    zones: Mapping[str, tzinfo] = {}
    """IANA name -> its rules. Given from outside (`infra.playbook.time_zones`): reading the
    database is I/O; where a name is missing it is UTC."""


class CompiledPolicy(msgspec.Struct, frozen=True):
    """Policy for every trigger on a customer channel."""

    caps: dict[str, CompiledCap] = {}
    """Channel, or `all`."""
    quiet: CompiledQuietHours | None = None
    one_offer_per: int | None = None
    """Milliseconds."""
    holdout: float = 0.0


class CompiledCampaign(msgspec.Struct, frozen=True):
    """Triggers measured together, and their conversion."""

    name: str
    topic: str
    beginning: str | None
    stages: tuple[str, ...]
    within: int
    """Milliseconds from the exposure to the conversion."""
    holdout: float

    def covers(self, topic: str) -> bool:
        """Whether reaching one of its stages on this topic is a conversion."""
        beginning = self.beginning
        return topic == self.topic if beginning is None else topic.startswith(beginning)
