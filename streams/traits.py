"""Last writer wins, by the time of the event and then by its message id, never by arrival."""

from collections.abc import Mapping
from typing import Any

from schemas.profile import Stamped

MOST_TRAITS = 64
LONGEST_VALUE = 512
"""Characters of a text trait; longer ones are cut."""


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_VALUE]
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    return None


def write_traits(
    traits: dict[str, Stamped], values: Mapping[str, Any], at: int, by: int
) -> dict[str, Stamped]:
    """The traits after a writer at `at` (milliseconds) with message hash `by`.

    Texts, numbers and truth values are kept; lists and objects are archived but not folded.
    """
    written = dict(traits)
    for name, value in values.items():
        if isinstance(value, list | dict) or not name:
            continue
        stamped = Stamped(_plain(value), at, by)
        mine = written.get(name)
        if mine is None or _later(stamped, mine):
            written[name] = stamped
    return _bound(written)


def merge_traits(one: dict[str, Stamped], other: dict[str, Stamped]) -> dict[str, Stamped]:
    """Of each trait the one written last."""
    merged = dict(one)
    for name, stamped in other.items():
        mine = merged.get(name)
        if mine is None or _later(stamped, mine):
            merged[name] = stamped
    return _bound(merged)


def _later(one: Stamped, other: Stamped) -> bool:
    return (one.at, one.by) > (other.at, other.by)


def _bound(traits: dict[str, Stamped]) -> dict[str, Stamped]:
    if len(traits) <= MOST_TRAITS:
        return traits
    return {name: traits[name] for name in sorted(traits)[:MOST_TRAITS]}
