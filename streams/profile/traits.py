"""Last writer wins, by the time of the event and then by its message id, never by arrival."""

from collections.abc import Mapping
from typing import Any

from schemas.profile import Stamped

MAX_TRAITS = 64
"""Traits kept, the first by name: which ones stay never depends on the order they came in."""

MAX_NAME_LENGTH = 64
"""Characters; a trait with a longer name is archived but not folded."""

MAX_VALUE_LENGTH = 256
"""Characters of a text trait; longer ones are cut."""


def write_traits(
    traits: dict[str, Stamped], values: Mapping[str, Any], at: int, by: int
) -> dict[str, Stamped]:
    """The traits after a writer at `at` (milliseconds) with message hash `by`.

    Texts, numbers and truth values are kept; lists and objects are archived but not folded.
    """
    return _first_by_name(write_last(traits, values, at, by))


def merge_traits(one: dict[str, Stamped], other: dict[str, Stamped]) -> dict[str, Stamped]:
    """Of each trait the one written last."""
    return _first_by_name(merge_last(one, other))


def write_last(
    stamped: dict[str, Stamped], values: Mapping[str, Any], at: int, by: int
) -> dict[str, Stamped]:
    """Every plain value under its name, unless a later one stands there; without a bound."""
    written = dict(stamped)
    for name, value in values.items():
        if isinstance(value, list | dict) or not 0 < len(name) <= MAX_NAME_LENGTH:
            continue
        mine = written.get(name)
        if mine is None or (at, by) > (mine.at, mine.by):
            written[name] = Stamped(_plain(value), at, by)
    return written


def merge_last(one: dict[str, Stamped], other: dict[str, Stamped]) -> dict[str, Stamped]:
    """Of each name the value written last; without a bound."""
    merged = dict(one)
    for name, stamped in other.items():
        mine = merged.get(name)
        if mine is None or (stamped.at, stamped.by) > (mine.at, mine.by):
            merged[name] = stamped
    return merged


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_VALUE_LENGTH]
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return value
        # msgpack ends at 64 bits; a longer number is an id that somebody forgot to quote
        return str(value)[:MAX_VALUE_LENGTH] if value.bit_length() <= 1024 else None
    return None


def _first_by_name(traits: dict[str, Stamped]) -> dict[str, Stamped]:
    if len(traits) <= MAX_TRAITS:
        return traits
    return {name: traits[name] for name in sorted(traits)[:MAX_TRAITS]}
