"""What several files of integration tests share."""

import re

import pytest

from tests.harness.delivering import Delivering
from tests.harness.paths import ROOT
from tests.harness.scheduling import LastUse
from tests.harness.stack import RunningStack


@pytest.fixture(scope="package")
def delivering(tmp_path_factory: pytest.TempPathFactory, last_use: LastUse) -> Delivering:
    """The stack with endpoints of every kind; tests use customers and endpoints of their own."""
    running = Delivering(tmp_path_factory.mktemp("delivering"))
    last_use.add(running.stop)
    return running


PAGES = """match:
  - {page: "**/products/{product}", topic: "product/{product}", stage: introduction}
  - {page: "**/products/{product}/details", topic: "product/{product}", stage: details}
"""

CACHED_PROFILES = 100
"""Of the robust stack: fewer than the customers of one test."""


def documented_playbook() -> str:
    """The playbook of `docs/how-to/campaigns.md`."""
    text = (ROOT / "docs" / "how-to" / "campaigns.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return str(found)


@pytest.fixture(scope="package")
def robust(tmp_path_factory: pytest.TempPathFactory, last_use: LastUse) -> RunningStack:
    """A stack with the campaign of the documentation, page rules and a small cache. Its parts may
    be stopped and killed; each test leaves them running."""
    folder = tmp_path_factory.mktemp("robust")
    playbook = folder / "playbook.yaml"
    playbook.write_text(documented_playbook().replace("match:\n", PAGES), encoding="utf-8")
    running = RunningStack(
        folder,
        data=folder / "data",
        DAEHWA_PLAYBOOK=str(playbook),
        DAEHWA_CACHED_PROFILES=str(CACHED_PROFILES),
    )
    last_use.add(running.stop)
    return running
