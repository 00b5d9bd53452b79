"""Settings that a client sends with one query, applied for that query only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .failure import UNKNOWN_SETTING, ClickHouseError, failure

_NAME = re.compile(r"[A-Za-z_][\w.]*")

# Queries are found by this setting when they must be stopped, so it is not the client's to set.
TAG_SETTING: Final = "log_comment"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value as text; ``important`` means an unknown name is an error instead of ignored."""

    value: str
    important: bool = False


def quoted(value: str) -> str:
    """A value as an SQL string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class SessionSettings:
    """What is set on one engine connection: by SET statements to stay, by a query to go again.

    ``execute`` runs one statement on that connection and raises `ClickHouseError`.
    """

    def __init__(self, execute: Callable[[str], object]) -> None:
        self._execute = execute
        self._lasting: dict[str, None] = {}
        self._passing: dict[str, Setting] = {}

    def remember(self, statement: str) -> None:
        """Note a SET the client executed, so that it outlives the settings of single queries."""
        self._lasting.pop(statement, None)
        self._lasting[statement] = None

    def apply(self, requested: Mapping[str, Setting]) -> None:
        """Make exactly ``wanted`` hold on top of the lasting settings.

        Costs nothing when the previous query wanted the same. Raises 115 UNKNOWN_SETTING for an
        unknown important one, and what the engine raises for a bad value.
        """
        requested = {name: value for name, value in requested.items() if name != TAG_SETTING}
        if requested == self._passing:
            return
        for name in requested:
            if not _NAME.fullmatch(name):
                raise failure(UNKNOWN_SETTING, "UNKNOWN_SETTING", f"Unknown setting '{name}'.")
        gone = self._passing.keys() - requested.keys()
        if gone:
            self._execute("SET " + ", ".join(f"{name} = DEFAULT" for name in sorted(gone)))
            self._passing = {}
            self.restore()
        fresh = {n: value for n, value in requested.items() if self._passing.get(n) != value}
        if fresh:
            self._set(fresh)

    def restore(self) -> None:
        """Execute the lasting settings again, in their order (also on a new engine connection)."""
        for statement in self._lasting:
            self._execute(statement)

    def forget_passing(self) -> None:
        """The engine connection is a new one: nothing of a single query holds on it."""
        self._passing = {}

    def _set(self, fresh: Mapping[str, Setting]) -> None:
        try:
            # The engine checks all of them before it sets one.
            self._execute("SET " + ", ".join(map(_assignment, fresh.items())))
        except ClickHouseError:
            for item in fresh.items():
                self._set_one(*item)
        else:
            self._passing |= fresh

    def _set_one(self, name: str, setting: Setting) -> None:
        try:
            self._execute("SET " + _assignment((name, setting)))
        except ClickHouseError as error:
            if error.code != UNKNOWN_SETTING or setting.important:
                raise
        else:
            self._passing[name] = setting


def _assignment(item: tuple[str, Setting]) -> str:
    name, setting = item
    return f"{name} = {quoted(setting.value)}"
