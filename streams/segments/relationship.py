"""Relationship stages: prospect to partner, dormant, blocked."""

from functools import lru_cache

from schemas.models import Models
from schemas.playbook import Playbook, Relationship
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.expressions import Expression
from streams.playbook.parts import CompiledRelationship
from streams.segments.compiler import compile_relationship
from streams.segments.facts import facts_of

RELATIONSHIP_STAGES = (
    "prospect", "first purchase", "regular", "advocate", "partner", "dormant", "blocked",
)  # fmt: skip

_TRAITS = frozenset({"traits"})


def relationship_of(profile: Profile, now: int, playbook: CompiledPlaybook, models: Models) -> str:
    """`prospect`, `first purchase`, `regular`, `advocate`, `partner`, `dormant` or `blocked` at
    `now` (milliseconds since 1970): the last of them whose conditions hold, but whoever has bought
    and was silent for long is dormant, and whoever is blocked is nothing else.

    Who recommends without buying may be an advocate: present profit is not the only value.
    """
    rules = playbook.relationship or _written(playbook.source.relationship)

    def holds(expression: Expression | None) -> bool:
        return expression is not None and expression.holds(
            facts_of(expression.names, profile, now, playbook.ranks, models)
        )

    life = profile.lifecycle
    if holds(rules.blocked):
        return "blocked"
    if rules.dormant is not None and life.purchases > 0 and now - life.last_seen >= rules.dormant:
        return "dormant"
    if holds(rules.partner):
        return "partner"
    if holds(rules.advocate):
        return "advocate"
    if holds(rules.regular):
        return "regular"
    return "first purchase" if life.purchases > 0 else "prospect"


def is_blocked(profile: Profile, now: int, playbook: CompiledPlaybook, models: Models) -> bool:
    """Whether the exit rules of the playbook hold for the customer at `now`."""
    rules = playbook.relationship
    if rules is None or rules.blocked is None:
        return False
    if not profile.traits and rules.blocked.names <= _TRAITS and "first" not in rules.groups:
        return False  # as of somebody of whom nothing was heard: asked at every trigger
    return rules.blocked.holds(facts_of(rules.blocked.names, profile, now, playbook.ranks, models))


def dormant_at(profile: Profile, playbook: CompiledPlaybook) -> int | None:
    """When (milliseconds) the customer will be dormant if nothing happens, None for never: nothing
    asks, has not bought yet, or is already."""
    rules = playbook.relationship
    if rules is None or rules.dormant is None or profile.lifecycle.purchases <= 0:
        return None
    if profile.decisions.relationship in ("dormant", "blocked"):
        return None
    return profile.lifecycle.last_seen + rules.dormant


@lru_cache(maxsize=8)
def _written(relationship: Relationship) -> CompiledRelationship:
    """The rules of a playbook in which nothing but a view asks for them."""
    empty = Playbook(version=1, ladders={}, match=(), relationship=relationship)
    return compile_relationship(empty, [])
