"""Memory of what rules have fired for, per topic, so that each matter fires once."""

from collections.abc import Container, Mapping

from msgspec.structs import replace

from schemas.decisions import Decisions
from streams.playbook.parts import CompiledRule


def with_fired(
    decisions: Decisions, rule: CompiledRule, topic: str, since: int, topics: Container[str]
) -> Decisions:
    """The memory that the rule has fired for what has been so on `topic` since then (milliseconds),
    whatever policy says; without topics that are not among `topics` any more."""
    fired = {**decisions.fired, f"{rule.name}|{topic}": since}
    return replace(decisions, fired=without_evicted(fired, topics))


def without_evicted(fired: Mapping[str, int], topics: Container[str]) -> dict[str, int]:
    """`fired` without the topics that were evicted, so that it stays as small as `topics`."""
    return {
        name: at
        for name, at in fired.items()
        if "|" not in name or name.endswith("|") or name.partition("|")[2] in topics
    }
