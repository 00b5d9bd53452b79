"""Which tests run in one process: those of a file, and all that share the session's stack."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.harness.paths import ROOT

SHARED = "the session's stack"
"""Group of the files whose tests use it: in two processes it would start twice."""

DELIVERING = "the stack with endpoints"
"""Likewise, of the fixture `delivering`."""

ROBUST = "the stack whose parts may be killed"
"""Likewise, of the fixture `robust`."""

_USES = r"^(?:async )?def test_\w+\([^)]*\b(?:%s)\b"
_STACK = re.compile(_USES % "stack: RunningStack|gate|site|visit", re.MULTILINE)
_DELIVERING = re.compile(_USES % "delivering", re.MULTILINE)
_ROBUST = re.compile(_USES % "robust", re.MULTILINE)
_OWN_STACK = re.compile(r"^def stack\(", re.MULTILINE)


class StackScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Hands whole files to processes, and all files of the shared stack to one."""

    def _split_scope(self, nodeid: str) -> Any:
        return group_of(nodeid.partition("::")[0])


class LastUse:
    """Stops what the files of a group share with the last test of the group, not with the session:
    an idle stack takes half a core from the tests that follow."""

    def __init__(self) -> None:
        self._stops: list[Callable[[], object]] = []

    def add(self, stop: Callable[[], object]) -> None:
        """`stop` is called once."""
        self._stops.append(stop)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Stops it where the next test is of another group."""
        if nextitem is None or group_of(_file(nextitem)) != group_of(_file(item)):
            while self._stops:
                self._stops.pop()()


def by_group(items: list[pytest.Item]) -> None:
    """Sorts tests so that those of a group follow each other, groups and tests in their order."""
    first: dict[str, int] = {}
    for place, item in enumerate(items):
        first.setdefault(group_of(_file(item)), place)
    items.sort(key=lambda item: first[group_of(_file(item))])


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


@lru_cache(maxsize=1024)
def group_of(path: str) -> str:
    """The group of a test file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if _STACK.search(text) and not _OWN_STACK.search(text):
        return SHARED
    if _DELIVERING.search(text):
        return DELIVERING
    if _ROBUST.search(text):
        return ROBUST
    return path
