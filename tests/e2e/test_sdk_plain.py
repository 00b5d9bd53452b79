"""Every unmodified SDK: what it sends is in ClickHouse exactly once and folded exactly once."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.e2e.sdks.senders import SDKS, Senders, missing, senders
from tests.e2e.sdks.stored import stored
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

EVENTS = 200


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Senders]:
    with senders(tmp_path_factory.mktemp("sdks")) as found:
        yield found


@pytest.mark.parametrize(
    "sdk",
    # The SDKs of Node and the browser run with CI.
    [
        pytest.param(sdk, marks=() if sdk.endswith("python") else pytest.mark.destructive)
        for sdk in SDKS
    ],
)
def test_everything_an_sdk_sends_is_stored_once(
    stack: RunningStack, starting: Senders, sdk: str
) -> None:
    lacking = missing(sdk)
    if lacking:
        pytest.skip(lacking)
    customer = f"{sdk}-{uuid4()}"
    sender = starting.start(sdk, stack.url, stack.write_key, customer, EVENTS, 0)
    wait_until(
        lambda: sender.done() and stored(stack, customer).rows >= EVENTS + 1, within=40, every=0.2
    )
    found = stored(stack, customer)
    assert sender.failed() == set()
    assert found.marks == list(range(-1, EVENTS))
    assert len(found.message_ids) == EVENTS + 1
    assert found.texts == {f"{customer} says {mark} 대화" for mark in range(EVENTS)}
    view = wait_until(lambda: stack.customer(customer))
    assert view["lifecycle"]["events"] == EVENTS + 1
