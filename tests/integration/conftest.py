"""What several files of integration tests share."""

import pytest

from tests.harness.delivering import Delivering
from tests.harness.scheduling import LastUse


@pytest.fixture(scope="package")
def delivering(tmp_path_factory: pytest.TempPathFactory, last_use: LastUse) -> Delivering:
    """The stack with endpoints of every kind; tests use customers and endpoints of their own."""
    running = Delivering(tmp_path_factory.mktemp("delivering"))
    last_use.add(running.stop)
    return running
