"""Of what one event would say on one channel, only the most important is said."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.triggers.candidate import Spark


def in_order(found: Sequence[Spark], by_name: Mapping[str, Any]) -> Sequence[Spark]:
    """The sparks of one event, the highest priority first, then as the playbook (`by_name`) has its
    rules, then as they came. Where none speaks to the customer the order is left as it is."""
    if not any(rule.then.channel is not None for rule, _ in found):
        return found
    places = _places(by_name)
    return sorted(
        found, key=lambda spark: (-spark[0].priority, places.get(spark[0].name, len(places)))
    )


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}
