"""What every test gets: no network for unit tests, and a word about what was skipped."""

import gc
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.harness.paths import ROOT
from tests.harness.scheduling import LastUse, StackScheduling, by_group
from tests.harness.stack import RunningStack

# No deadline: how long an example takes is the business of bench/, and of who else is working.
settings.register_profile("everyday", max_examples=100, deadline=None)
settings.register_profile("ci", max_examples=500, deadline=None)
settings.register_profile("nightly", max_examples=20_000, deadline=None)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "everyday")
)

NIGHTLY_TIMEOUT = 1800
"""Seconds that a law may take on its nightly number of histories."""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_configure(config: pytest.Config) -> None:
    """Registers what ends shared stacks early."""
    config.pluginmanager.register(LastUse(), "last-use")


@pytest.fixture(scope="session")
def last_use(request: pytest.FixtureRequest) -> LastUse:
    """Stops what is added with the last test of the group that shares it."""
    found = request.config.pluginmanager.get_plugin("last-use")
    assert isinstance(found, LastUse)
    return found


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, last_use: LastUse) -> RunningStack:
    """The whole stack, shared: tests use customers of their own and leave the parts alone."""
    folder = tmp_path_factory.mktemp("stack")
    running = RunningStack(folder, data=folder / "data")
    last_use.add(running.stop)
    return running


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StackScheduling:
    """Files of tests that share the session's stack go to one process."""
    return StackScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts tests that share a stack together, and gives nightly laws the time they need."""
    by_group(items)
    if settings().max_examples <= 500:
        return
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.timeout(NIGHTLY_TIMEOUT))


def pytest_collection_finish() -> None:
    """Freezes what collection made: full garbage collections would visit it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if "unit" in Path(str(request.node.path)).relative_to(ROOT).parts:

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a unit test must not touch the network")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket.socket, "connect_ex", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says in the last lines which tests this machine could not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = sorted({str(report.longrepr[2]) for report in skipped if report.longrepr})
    for reason in reasons:
        terminalreporter.write_line(f"not run here: {reason}")
