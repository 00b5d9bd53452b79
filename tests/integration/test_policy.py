"""Policy through the real stack: at night it waits, and in the morning it is said."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

MAX_TO_THE_MORNING = 75
"""Seconds: quiet hours end on a full minute."""


@pytest.fixture
def night(tmp_path: Path) -> Iterator[tuple[RunningStack, datetime]]:
    """A stack whose quiet hours end with one of the next minutes, in Seoul, and when that is."""
    ends = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    if ends - datetime.now(UTC) < timedelta(seconds=25):
        ends += timedelta(minutes=1)
    seoul = ends + timedelta(hours=9)
    begins = seoul - timedelta(hours=3)
    playbook = tmp_path / "night.yaml"
    playbook.write_text(
        f"""
version: 1
ladders: {{product: [details, cart]}}
match:
  - {{event: Product Added, topic: "product/{{category}}", stage: cart}}
policy:
  quiet_hours: {{begin: "{begins:%H:%M}", end: "{seoul:%H:%M}", zone: Europe/Paris}}
segments:
  buyers: {{if: purchases > 0}}
triggers:
  - {{name: cart, when: stage.reached, topic: product/*, then: {{channel: call}}}}
"""
    )
    running = RunningStack(tmp_path, DAEHWA_PLAYBOOK=str(playbook))
    try:
        yield running, ends
    finally:
        running.stop()


@pytest.mark.slow  # a night lasts until the next full minute
def test_at_night_it_waits_and_in_the_morning_it_is_said(
    night: tuple[RunningStack, datetime],
) -> None:
    stack, ends = night
    asleep, awake = f"asleep-{uuid4()}", f"awake-{uuid4()}"
    added = {"type": "track", "event": "Product Added", "properties": {"category": "Lamps"}}
    for customer, zone in ((asleep, "Asia/Seoul"), (awake, "Europe/Paris")):
        stack.send(
            {"type": "identify", "userId": customer, "traits": {"timezone": zone},
             "messageId": str(uuid4())},
            {**added, "userId": customer, "messageId": str(uuid4())},
        )  # fmt: skip
    (said,) = wait_until(lambda: stack.triggers(awake))
    assert (said["decision"], said["channel"]) == ("fire", "call")
    (held,) = wait_until(lambda: stack.triggers(asleep))
    assert (held["decision"], held["suppressed_by"]) == ("suppressed", "quiet_hours")
    assert datetime.now(UTC) < ends, "the machine was too slow for this night"
    found = wait_until(
        lambda: (f := stack.triggers(asleep)) and len(f) == 2 and f, within=MAX_TO_THE_MORNING
    )
    assert time.time() >= ends.timestamp()
    (morning,) = [trigger for trigger in found if trigger["id"] != held["id"]]
    assert (morning["decision"], morning["topic"]) == ("fire", "product/lamps")
    assert morning["why"]["waited_until"] == int(ends.timestamp() * 1000)
