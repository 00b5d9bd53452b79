"""What every test gets: no network for unit tests, and a word about what was skipped."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import RunningStack

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The whole stack, shared: tests use customers of their own and leave the parts alone."""
    running = RunningStack(tmp_path_factory.mktemp("stack"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if Path(str(request.node.path)).parent.name == "unit":

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
