"""Every unmodified SDK while the collector is in trouble: nothing accepted is lost or doubled."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.e2e.sdks.front import Front, front_before
from tests.e2e.sdks.senders import SDKS, Sender, Senders, missing, senders
from tests.e2e.sdks.stored import Stored, stored
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

EVENTS = {**dict.fromkeys(SDKS, 200), "rudderstack-browser": 100}
"""Given to each SDK; RudderStack's for browsers forgets all but 100 that are not sent yet."""
PAUSE_MS = 15

REFUSALS = {
    "429": (429, {"Retry-After": "1"}),
    "500": (500, {}),
    "503": (503, {"Retry-After": "1"}),
}
TROUBLES = ("collector killed", "kafka stopped", *REFUSALS, "connection refused", "answer lost")

GIVES_UP = {"rudderstack-node"}
"""Tries four times within a second; what fails then is reported to the callback and gone."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Sent:
    """What one SDK sent through a trouble."""

    stored: Stored
    folded: int
    failed: set[int]
    front: Front | None


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Senders]:
    with senders(tmp_path_factory.mktemp("sdks")) as found:
        yield found


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose parts may be killed and stopped."""
    running = RunningStack(tmp_path_factory.mktemp("troubled"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module", params=TROUBLES)
def sent(
    request: pytest.FixtureRequest, troubled: RunningStack, starting: Senders
) -> Iterator[dict[str, Sent]]:
    """All SDKs send at once, the trouble comes in mid-stream and goes again."""
    with ExitStack() as fronts:
        try:
            yield go_through(request.param, troubled, starting, fronts)
        finally:
            starting.end()


def go_through(
    trouble: str, stack: RunningStack, starting: Senders, open_fronts: ExitStack
) -> dict[str, Sent]:
    direct = trouble in ("collector killed", "kafka stopped")
    fronts: dict[str, Front] = {}
    working: dict[str, Sender] = {}
    customers = {sdk: f"{sdk}-{uuid4()}" for sdk in SDKS if missing(sdk) is None}
    for sdk, customer in customers.items():
        url = stack.url
        if not direct:
            fronts[sdk] = open_fronts.enter_context(front_before(stack.url))
            url = fronts[sdk].url
        working[sdk] = starting.start(sdk, url, stack.write_key, customer, EVENTS[sdk], PAUSE_MS)
    # Each meets it in its own mid-stream: the fast would be done before the slow have begun.
    begun: set[str] = set()

    def all_have_begun() -> bool:
        for sdk in working.keys() - begun:
            if working[sdk].progress() >= EVENTS[sdk] // 4:
                begun.add(sdk)
                if not direct:
                    begin(trouble, fronts[sdk])
        return begun == working.keys()

    wait_until(all_have_begun, within=60)
    if trouble == "collector killed":
        stack.kill("api")
    elif trouble == "kafka stopped":
        kafka = stack.part("kafka")
        kafka.suspend()
        probe = {"type": "track", "userId": "probe", "event": "Probe"}
        wait_until(lambda: stack.send(probe).status_code == 503, within=60)
        kafka.resume()
    else:
        for sdk, sender in working.items():
            wait_until(
                lambda sdk=sdk, one=sender: was_told(trouble, sdk, one, fronts[sdk]), within=60
            )
        end(fronts)
    found = {}
    for sdk, sender in working.items():
        customer = customers[sdk]
        wait_until(
            lambda sdk=sdk, one=sender, customer=customer: (
                one.done() and stored(stack, customer).rows + len(one.failed()) > EVENTS[sdk]
            ),
            within=120,
            every=0.5,
        )
        view = stack.customer(customer)
        events = view["lifecycle"]["events"] if view else 0
        found[sdk] = Sent(stored(stack, customer), events, sender.failed(), fronts.get(sdk))
    return found


def was_told(trouble: str, sdk: str, sender: Sender, front: Front) -> bool:
    """Whether the SDK has met the trouble often enough."""
    if trouble == "connection refused":
        return sender.progress() == EVENTS[sdk]
    return front.refused >= 3 or (sdk in GIVES_UP and sender.done())


def begin(trouble: str, front: Front) -> None:
    if trouble in REFUSALS:
        front.refusal = REFUSALS[trouble]
    elif trouble == "answer lost":
        front.mute = True
    else:
        front.away()


def end(fronts: dict[str, Front]) -> None:
    for front in fronts.values():
        front.refusal, front.mute = None, False
        if not front.listens:
            front.open()


@pytest.mark.parametrize("sdk", SDKS)
def test_nothing_accepted_is_lost_or_doubled(sent: dict[str, Sent], sdk: str) -> None:
    if sdk not in sent:
        pytest.skip(missing(sdk) or "")
    found = sent[sdk]
    marks, every = found.stored.marks, set(range(-1, EVENTS[sdk]))
    assert len(found.stored.message_ids) == found.stored.rows, "a message id has two rows"
    assert len(set(marks)) == len(marks), "an event is stored under two message ids"
    assert every - found.failed <= set(marks), "lost though the SDK was not told of a failure"
    assert found.folded == found.stored.rows
    if found.front is not None:
        assert set(found.front.accepted) <= found.stored.message_ids, "accepted and lost"
    if sdk not in GIVES_UP:
        assert set(marks) == every
