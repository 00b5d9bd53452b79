"""What several files of integration tests share."""

from collections.abc import Iterator

import pytest

from tests.harness.delivering import Delivering


@pytest.fixture(scope="package")
def delivering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivering]:
    """The stack with endpoints of every kind; tests use customers and endpoints of their own."""
    running = Delivering(tmp_path_factory.mktemp("delivering"))
    try:
        yield running
    finally:
        running.stop()
