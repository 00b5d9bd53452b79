"""Only tests can make a worker die, and only at a step there is."""

import sys

import pytest

from agents.__main__ import main
from agents.dialogue.fault_injection import STEPS, FaultError, crash_at


@pytest.mark.parametrize("fault", ["", "written", "written:", "written:0", "elsewhere:1"])
def test_a_fault_that_is_none_is_refused(fault: str) -> None:
    with pytest.raises(FaultError):
        crash_at(fault)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_can_be_named(step: str) -> None:
    at_step = crash_at(f"{step}:2")
    at_step(step)
    for other in STEPS:
        if other != step:
            at_step(other)


def test_outside_of_tests_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAEHWA_FAULT", "written:1")
    monkeypatch.delenv("DAEHWA_TESTING", raising=False)
    said: list[str] = []
    monkeypatch.setattr(sys, "argv", ["agents", "dialogue"])
    monkeypatch.setattr(sys.stderr, "write", said.append)
    assert main() == 2
    assert "only tests set it" in "".join(said)
