"""Suggestions for a mistyped word."""

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 12
"""Maximum of known words to list; of more only a near one is named."""


def choices(word: str, known: Iterable[str]) -> str:
    """End of an error message: the known words, or the nearest one."""
    words = list(known)
    near = get_close_matches(word, words, n=1)
    if near and len(words) > MAX_LISTED:
        return f"did you mean {near[0]!r}?"
    listed = f"there are {', '.join(words)}" if words else "there are none"
    return listed + (f"; did you mean {near[0]!r}?" if near else "")
