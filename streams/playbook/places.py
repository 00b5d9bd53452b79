"""Places, (topic family, stage), that a topic pattern covers: the index of rules."""

from collections.abc import Iterable, Mapping, Sequence

from schemas.playbook import Playbook
from streams.playbook.errors import RuleError
from streams.playbook.suggestions import choices
from streams.playbook.topics import family

Ladders = Mapping[str, Sequence[str]]
"""Topic family -> its stages, first to last."""


def check_topic(
    topic: str,
    stages: tuple[str, ...],
    at_topic: str,
    at_stages: str,
    playbook: Playbook,
    errors: list[RuleError],
) -> None:
    """Appends mistakes of an exact topic, `family/*` or `*`, and of its stages to `errors`."""
    ladders = playbook.ladders
    literal = any(match.topic == topic for match in playbook.match)
    if topic in ladders and not literal:
        said = f"no topic is called {topic!r}; write '{topic}/*' for all"
        errors.append(RuleError(at_topic, said))
        return
    name = family(topic)
    if topic != "*" and name not in ladders:
        errors.append(RuleError(at_topic, f"no ladder for {name!r}; {choices(name, ladders)}"))
        return
    known = list(ladders) if topic == "*" else [name]
    words = dict.fromkeys(stage for one in known for stage in ladders[one])
    for index, stage in enumerate(stages):
        if stage not in words:
            said = f"{stage!r} is not a stage there; {choices(stage, words)}"
            errors.append(RuleError(f"{at_stages}[{index}]", said))


def places_of(topic: str, stages: Iterable[str], ladders: Ladders) -> list[tuple[str, str]]:
    """Places (family, stage) covered by a topic and its stages (none: all)."""
    asked = frozenset(stages)
    families = list(ladders) if topic == "*" else [family(topic)]
    return [
        (name, stage) for name in families for stage in ladders[name] if not asked or stage in asked
    ]
