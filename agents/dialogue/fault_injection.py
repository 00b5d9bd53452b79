"""Fault injection for tests: the steps of a batch, and a crash at one of them."""

import os
import signal
from collections.abc import Callable

AtStep = Callable[[str], None]
"""Called with the name of each completed step of a batch."""

STEPS = (
    "decoded",
    "loaded",
    "folded",
    "triggers appended",
    "forwards appended",
    "before write",
    "written",
    "acknowledged",
)
"""Steps in order; a batch without triggers or forwards omits theirs."""


class FaultError(Exception):
    """Invalid fault specification; the text says why."""


def no_fault(_: str) -> None:
    """The default at every step: nothing."""


def crash_at(fault: str) -> AtStep:
    """Kills this process the n-th time it comes to a step; `fault` is `STEP:N`, such as
    `written:3`. Raises `FaultError` for anything else."""
    step, _, count = fault.rpartition(":")
    if step not in STEPS or not count.isdecimal() or int(count) < 1:
        raise FaultError(f"{fault!r} is not STEP:N with one of {', '.join(STEPS)}")
    left = int(count)

    def at(reached: str) -> None:
        nonlocal left
        if reached == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return at
