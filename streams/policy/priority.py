"""Priority: one event fires one trigger per channel, the one of the highest priority."""

from collections.abc import Iterable, Sequence

from streams.triggers.candidate import Candidate


def by_priority(candidates: Sequence[Candidate], rules: Iterable[str]) -> Sequence[Candidate]:
    """The candidates of one event, the highest priority first, then in the order of the playbook's
    `rules`, then as they came. Without a candidate on a customer channel the order is unchanged."""
    if not any(rule.then.channel is not None for rule, _ in candidates):
        return candidates
    places = {name: place for place, name in enumerate(rules)}

    def rank(candidate: Candidate) -> tuple[int, int]:
        rule, _ = candidate
        return -rule.priority, places.get(rule.name, len(places))

    return sorted(candidates, key=rank)
