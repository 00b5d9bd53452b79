"""Which tests run in one process: those of a file, and all that share the session's stack."""

import re
from functools import lru_cache
from typing import Any

from xdist.scheduler import LoadScopeScheduling

from tests.harness.paths import ROOT

SHARED = "the session's stack"
"""Group of the files whose tests use it: in two processes it would start twice."""

DELIVERING = "the stack with endpoints"
"""Likewise, of the fixture `delivering`."""

_USES = r"^(?:async )?def test_\w+\([^)]*\b(?:%s)\b"
_STACK = re.compile(_USES % "stack: RunningStack|gate|site|visit", re.MULTILINE)
_DELIVERING = re.compile(_USES % "delivering", re.MULTILINE)
_OWN_STACK = re.compile(r"^def stack\(", re.MULTILINE)


class StackScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Hands whole files to processes, and all files of the shared stack to one."""

    def _split_scope(self, nodeid: str) -> Any:
        return group_of(nodeid.partition("::")[0])


@lru_cache(maxsize=1024)
def group_of(path: str) -> str:
    """The group of a test file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if _STACK.search(text) and not _OWN_STACK.search(text):
        return SHARED
    if _DELIVERING.search(text):
        return DELIVERING
    return path
