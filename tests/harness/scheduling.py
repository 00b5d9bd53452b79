"""Which tests run in one process: those of a file, and all that share the session's stack."""

import re
from functools import lru_cache
from typing import Any

from xdist.scheduler import LoadScopeScheduling

from tests.harness.paths import ROOT

SHARED = "the session's stack"
"""Group of the files whose tests use it: in two processes it would start twice."""

_USES_STACK = re.compile(r"\b(stack: RunningStack|gate: Gate|site: Site|visit: Visit)\b")


class StackScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Hands whole files to processes, and all files of the shared stack to one."""

    def _split_scope(self, nodeid: str) -> Any:
        return group_of(nodeid.partition("::")[0])


@lru_cache(maxsize=1024)
def group_of(path: str) -> str:
    """The group of a test file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if _USES_STACK.search(text) and not re.search(r"^def stack\(", text, re.MULTILINE):
        return SHARED
    return path
