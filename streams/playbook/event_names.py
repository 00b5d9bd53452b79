"""Event names as senders write them: in any case, with blanks, underscores, hyphens or none."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar

from streams.values.text_form import compatible

V = TypeVar("V")

_BETWEEN = re.compile(r"[\s_\-:./]+")
_MAX_LENGTH = 200
_CUTOFF = 0.85
"""Similarity (Ratcliff and Obershelp) from which a name is said to look like another."""


@lru_cache(maxsize=16_384)
def folded_name(name: str) -> str:
    """`order completed`, `order_completed` and `OrderCompleted` are `ordercompleted`."""
    return _BETWEEN.sub("", compatible(name).casefold()) if len(name) <= _MAX_LENGTH else name


def by_folded_name(named: Mapping[str, V]) -> dict[str, V]:
    """The values by folded name; of names that fold alike the first one's."""
    found: dict[str, V] = {}
    for name, value in named.items():
        found.setdefault(folded_name(name), value)
    return found


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one looks like; None where there is none, or it is one of them."""
    names = list(known)
    if name in names or not name or len(name) > _MAX_LENGTH:
        return None
    folded = {folded_name(one): one for one in reversed(names)}
    same = folded.get(folded_name(name))
    if same is not None:
        return same
    near = get_close_matches(folded_name(name), folded, n=1, cutoff=_CUTOFF)
    return folded[near[0]] if near else None
