"""The brokers of the broker contract, one of each kind for all tests of a file."""

import os
from collections.abc import Iterator

import pytest

from infra.embedded.apache_kafka import missing
from tests.harness.contract_brokers import ApacheBroker, ContractBroker, TansuBroker


@pytest.fixture(scope="module", params=["tansu", "apache"])
def each_broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ContractBroker]:
    """A broker that runs. A test that kills it starts it again."""
    broker: ContractBroker
    if request.param == "tansu":
        broker = TansuBroker({"contract": 1})
    else:
        lacking = missing()
        if lacking and os.environ.get("DAEHWA_EMBEDDED_KAFKA") != "apache":
            pytest.skip(lacking)
        assert not lacking, lacking
        broker = ApacheBroker(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
