"""A playbook through the API and the command line: refused whole, tried on what happened, put in
force without a restart, and still in force when everything was stopped and the broker forgot."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.settings import SHIPPED_PLAYBOOK
from streams.definitions.definitions import version_of
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until
from tests.harness.web import get
from tests.integration.test_hot_reload import SHIPPED, WITH_NEW_RULE

NEW = version_of(WITH_NEW_RULE)
VISITORS = 12


pytestmark = pytest.mark.destructive  # stops its stack and starts another on the same data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def running(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(tmp_path_factory.mktemp("push"), data=data)
    try:
        wait_until(lambda: stack.get("/v1/playbook").status_code == 200)
        yield stack
    finally:
        stack.stop()


def visits(name: str) -> list[dict[str, Any]]:
    """Some look, some go further; everybody more than once."""
    pages = ["/products/hat", "/products/hat", "/products/hat/details", "/products/bag"]
    return [
        {
            "type": "page",
            "anonymousId": f"{name}-{who}",
            "messageId": f"{name}-{who}-{number}",
            "properties": {"path": path},
        }
        for who in range(VISITORS)
        for number, path in enumerate(pages[: 1 + who % len(pages)])
    ]


def fired(stack: RunningStack, name: str) -> list[tuple[str, str]]:
    """(rule, customer) of what fired for the visitors of that name."""
    found = stack.get("/v1/triggers?limit=500").json()["triggers"]
    return sorted(
        (one["rule"], one["customer_id"])
        for one in found
        if one["customer_id"].startswith(f"{name}-") and one["decision"] == "fire"
    )


def put(stack: RunningStack, text: str, **headers: str) -> httpx.Response:
    return httpx.put(
        f"{stack.url}/v1/playbook", headers={**stack.headers, **headers}, content=text, timeout=30
    )


def push(stack: RunningStack, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("daehwa")), "playbook", "push", str(file)]
    environment = {**os.environ, **stack.environment}
    return subprocess.run(
        [*command, *options],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_playbook_of_the_settings_is_the_first(running: RunningStack) -> None:
    answer = running.get("/v1/playbook")
    assert answer.json()["version"] == version_of(SHIPPED)
    assert answer.json()["text"] == SHIPPED
    assert answer.json()["by"] == "DAEHWA_PLAYBOOK"
    assert answer.headers["etag"] == f'"{version_of(SHIPPED)}"'
    assert get(f"{running.url}/v1/playbook").status_code == 401


def test_a_wrong_playbook_changes_nothing(running: RunningStack) -> None:
    wrong = WITH_NEW_RULE.replace("stage.reached", "stage.reeched", 1)
    answer = put(running, wrong)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_playbook"
    (error,) = answer.json()["errors"]
    line = wrong[: wrong.index("stage.reeched")].count("\n") + 1
    assert error["line"] == line
    assert "stage.reached" in error["message"], "the nearest valid word"
    checked = httpx.post(f"{running.url}/v1/playbook/check", headers=running.headers, content=wrong)
    assert (checked.status_code, checked.json()["errors"]) == (200, [error])
    assert running.get("/v1/playbook").json()["version"] == version_of(SHIPPED)


def test_a_change_to_another_version_than_the_one_in_force_is_refused(
    running: RunningStack,
) -> None:
    answer = put(running, WITH_NEW_RULE, **{"If-Match": '"another"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert running.get("/v1/playbook").json()["version"] == version_of(SHIPPED)


def test_what_was_tried_is_what_fires(running: RunningStack, tmp_path: Path) -> None:
    file = tmp_path / "playbook.yaml"
    file.write_text(WITH_NEW_RULE, encoding="utf-8")
    sent = visits("before")
    assert running.send(*sent).status_code == 200
    wait_until(
        lambda: running.sql("SELECT count() FROM daehwa.events") == [(len(sent),)], within=30
    )
    tried = push(running, file, "--dry-run", "--json")
    assert tried.returncode == 0, tried.stderr
    found = json.loads(tried.stdout)
    assert found["events"] == len(sent)
    assert running.get("/v1/playbook").json()["version"] == version_of(SHIPPED), "only tried"
    assert found["current"]["fired"] == len(fired(running, "before"))

    pushed = push(running, file, "--yes", "--json")
    assert pushed.returncode == 0, pushed.stderr
    assert json.loads(pushed.stdout)["version"] == NEW
    assert running.send(*visits("after")).status_code == 200
    wait_until(lambda: len(fired(running, "after")) >= found["new"]["fired"])
    after = fired(running, "after")
    assert len(after) == found["new"]["fired"]
    assert len({customer for _, customer in after}) == found["new"]["customers"]
    for rule, tally in found["new"]["rules"].items():
        assert sum(name == rule for name, _ in after) == tally["fired"], rule
    assert found["new"]["rules"]["just-looking"]["fired"] >= VISITORS
    latest = running.get("/v1/triggers?limit=500").json()["triggers"]
    versions = {one["customer_id"].partition("-")[0]: one.get("playbook") for one in latest}
    assert versions == {"before": version_of(SHIPPED), "after": NEW}


def test_the_same_once_more_is_no_change(running: RunningStack) -> None:
    assert put(running, WITH_NEW_RULE).json()["version"] == NEW
    adopted = running.get("/v1/playbook/history").json()["playbooks"]
    assert [one["version"] for one in adopted] == [NEW, version_of(SHIPPED)]
    old = running.get(f"/v1/playbook/versions/{version_of(SHIPPED)}").json()
    assert old["text"] == SHIPPED_PLAYBOOK.read_text(encoding="utf-8")


def test_what_was_put_in_force_outlives_the_stack(
    running: RunningStack, data: Path, tmp_path: Path
) -> None:
    assert running.stop() == 0
    again = RunningStack(tmp_path, data=data)
    try:
        found = wait_until(
            lambda: answer.json() if (answer := again.get("/v1/playbook")).is_success else None
        )
        assert found["version"] == NEW
        assert again.send(*visits("later")).status_code == 200
        wait_until(lambda: any(rule == "just-looking" for rule, _ in fired(again, "later")))
    finally:
        again.stop()
