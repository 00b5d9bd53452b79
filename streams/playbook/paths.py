"""Page path patterns in a trie: a look-up costs the length of the path, not the number of rules."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

_MAX_SEGMENTS = 24
_MAX_REMEMBERED = 16_384
_MAX_REMEMBERED_LENGTH = 200
_FIELD = "/"
"""Key of a node's field branch; no path segment can equal it."""


class PathTrie:
    """Patterns such as `/products/{product}/details`; a leading `**/` stands for any beginning.

    Built once from the playbook and only read afterwards.
    """

    def __init__(self) -> None:
        self._anchored: dict[str, Any] = {}
        self._floating: dict[str, Any] = {}
        self._remembered = lru_cache(maxsize=_MAX_REMEMBERED)(self._search)

    def add(self, pattern: str, value: Any) -> None:
        """Keeps `value` under `pattern`. Raises `ValueError` for a malformed pattern."""
        floating = pattern.startswith("**/")
        if not floating and not pattern.startswith("/"):
            raise ValueError(f"{pattern!r} is not a path pattern; begin it with / or **/")
        node = self._floating if floating else self._anchored
        names: list[str] = []
        for segment in _segments(pattern[2:] if floating else pattern):
            if segment.startswith("{") and segment.endswith("}") and segment[1:-1].isidentifier():
                names.append(segment[1:-1])
                node = node.setdefault(_FIELD, {})
            elif "{" in segment or "}" in segment or segment == "**":
                raise ValueError(f"{pattern!r}: {segment!r} must be a word or one {{field}}")
            else:
                node = node.setdefault(segment, {})
        node.setdefault("", []).append((tuple(names), value))
        self._remembered.cache_clear()

    def match(self, path: str) -> list[tuple[dict[str, str], Any]]:
        """(fields, value) of every pattern that fits the whole path, the anchored ones first.

        The list is cached by path: callers must not change it.
        """
        return self._remembered(path) if len(path) <= _MAX_REMEMBERED_LENGTH else self._search(path)

    def _search(self, path: str) -> list[tuple[dict[str, str], Any]]:
        segments = _segments(path)
        if len(segments) > _MAX_SEGMENTS:
            return []
        found: list[tuple[dict[str, str], Any]] = []
        self._walk(self._anchored, segments, 0, [], found)
        if self._floating:
            for start in range(len(segments)):
                self._walk(self._floating, segments, start, [], found)
        return found

    def _walk(
        self,
        node: dict[str, Any],
        segments: list[str],
        at: int,
        values: list[str],
        found: list[tuple[dict[str, str], Any]],
    ) -> None:
        if at == len(segments):
            for names, value in node.get("", ()):
                found.append((dict(zip(names, values, strict=True)), value))
            return
        literal = node.get(segments[at])
        if literal is not None:
            self._walk(literal, segments, at + 1, values, found)
        anything = node.get(_FIELD)
        if anything is not None:
            self._walk(anything, segments, at + 1, [*values, _unquoted(segments[at])], found)


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _unquoted(segment: str) -> str:
    """The segment without percent-encoding; as it is where that is no UTF-8."""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return segment


def in_utf8(path: str, host: str, encodings: Sequence[str]) -> str:
    """The path with its percent-encoding in UTF-8: what is none is read in the first of `encodings`
    that fits, for hosts under `.kr` in CP949 before. Left as it is where none fits: a wrong
    character would be a topic of its own."""
    if "%" not in path:
        return path
    legacy = (*(("cp949",) if host.endswith(".kr") else ()), *encodings)
    return "/".join(_recoded(segment, legacy) for segment in path.split("/"))


def _recoded(segment: str, encodings: Sequence[str]) -> str:
    data = unquote_to_bytes(segment)
    for encoding in ("utf-8", *encodings):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return segment if encoding == "utf-8" else quote(text, safe="")
    return segment


def host_of(url: Any) -> str:
    """The host of a URL, in small letters; "" where there is none."""
    if not isinstance(url, str):
        return ""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def path_of(path: Any, url: Any) -> str | None:
    """The path of a page from its `path` property, else from its `url`."""
    if isinstance(path, str) and path:
        return path.partition("?")[0].partition("#")[0]
    if isinstance(url, str) and url:
        try:
            return urlsplit(url).path or "/"
        except ValueError:
            return None
    return None
