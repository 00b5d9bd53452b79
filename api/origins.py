"""Allowed origins of the collector, for all sources and for single ones."""

from collections.abc import Iterable

ANY = "*"


class AllowedOrigins:
    """`DAEHWA_ALLOWED_ORIGINS`: origins, or `SOURCE=ORIGIN` for those of one source alone."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._everywhere: set[str] = set()
        self._of_source: dict[str, set[str]] = {}
        for entry in entries:
            source, equals, origin = entry.rpartition("=")
            if equals:
                self._of_source.setdefault(source, set()).add(origin)
            else:
                self._everywhere.add(origin)

    def may_ask(self, origin: str) -> bool:
        """Whether the origin may send for any source: a preflight does not name one."""
        return _allows(self._everywhere, origin) or any(
            _allows(origins, origin) for origins in self._of_source.values()
        )

    def may_send(self, origin: str, source: str) -> bool:
        """Whether the origin may send for the source: by the source's own list if it has one."""
        return _allows(self._of_source.get(source, self._everywhere), origin)


def _allows(origins: set[str], origin: str) -> bool:
    return ANY in origins or origin in origins
