"""`daehwa archive check` on a running stack: it agrees, finds what was deleted, and repairs it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until
from tests.integration.test_rebuild import command, send_traffic, settled

pytestmark = pytest.mark.destructive


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of our own: parts are deleted in it."""
    running = RunningStack(tmp_path_factory.mktemp("check"))
    try:
        yield running
    finally:
        running.stop()


def findings(stack: RunningStack, *options: str) -> dict[str, dict[str, Any]]:
    """Check -> what it says; the exit code says whether everything adds up."""
    done = command(stack, "archive", "check", "--json", *options)
    found = {one["check"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert found, done.stderr
    assert done.returncode == (0 if all(one["ok"] for one in found.values()) else 1), done.stderr
    return found


def wrong(stack: RunningStack, *options: str) -> list[str]:
    """The checks that do not add up."""
    return [check for check, one in findings(stack, *options).items() if not one["ok"]]


def profiles_compared(stack: RunningStack) -> bool:
    """Whether the customers are quiet for long enough to be compared."""
    return not findings(stack)["profiles"]["found"].startswith("0 ")


def lose_a_part(stack: RunningStack, table: str) -> None:
    # By its rows that are not erased: a part may hold none.
    ((part, _), *_) = stack.sql(
        f"SELECT _part, count() AS live FROM daehwa.{table} GROUP BY _part ORDER BY live DESC"
    )
    stack.sql(f"ALTER TABLE daehwa.{table} DROP PART '{part}'")


def test_a_deleted_part_is_found_and_stored_again(stack: RunningStack) -> None:
    send_traffic(stack, "check")
    wait_until(lambda: settled(stack), within=60)
    wait_until(lambda: profiles_compared(stack), within=60)
    assert wrong(stack) == []
    before = stack.sql("SELECT count(), sum(cityHash64(message_id)) FROM daehwa.events")
    funnel = stack.sql("SELECT topic, stage, customers, events FROM daehwa.funnel ORDER BY 1, 2")

    lose_a_part(stack, "events_stored")
    assert {"log of events", "facts in stages_stored"} <= set(wrong(stack))
    wrong(stack, "--repair")
    assert wrong(stack) == []
    assert stack.sql("SELECT count(), sum(cityHash64(message_id)) FROM daehwa.events") == before

    # Every visitor looked at pages: of each customer some events are lost and others are not.
    stack.sql("DELETE FROM daehwa.events_stored WHERE type = 'page'")
    assert {"log of events", "profiles"} <= set(wrong(stack))
    wrong(stack, "--repair")
    assert wrong(stack) == []
    assert stack.sql("SELECT count(), sum(cityHash64(message_id)) FROM daehwa.events") == before

    lose_a_part(stack, "stages_stored")
    assert wrong(stack) == ["facts in stages_stored"]
    wrong(stack, "--repair")
    stack.kill("archive")
    wait_until(lambda: wrong(stack) == [], within=60)
    assert funnel == stack.sql(
        "SELECT topic, stage, customers, events FROM daehwa.funnel ORDER BY 1, 2"
    )
