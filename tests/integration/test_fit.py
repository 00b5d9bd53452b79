"""`daehwa fit` on real purchases: through the collector, the log and the archive, and back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.demo.purchase_histories import history_file, order_items, read_histories
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

DAEHWA = str(Path(sys.executable).with_name("daehwa"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    running = RunningStack(tmp_path_factory.mktemp("fit"))
    yield running
    running.stop()


def fit(stack: RunningStack, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DAEHWA, "fit", *options],
        env={**os.environ, **stack.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def ordered(customer: str, day: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"{customer}-{day}",
        "timestamp": f"{day}T12:00:00Z",
        "userId": customer,
        "properties": {"total": 20, "currency": "USD", "products": [{"category": "cd"}]},
    }


@pytest.mark.slow
def test_refuses_with_the_numbers_then_fits_the_published_figures_and_workers_go_by_them(
    stack: RunningStack,
) -> None:
    empty = fit(stack)
    assert empty.returncode == 2
    assert "archive is empty" in empty.stderr

    path = history_file()
    assert path is not None
    histories = read_histories(path)
    few, rest = histories[:20], histories[20:]
    orders = sum(len(history.purchases) for history in histories)

    def archived(least: int) -> bool:
        return bool(stack.sql("SELECT count() FROM daehwa.events")[0][0] >= least)

    send(stack, [item for history in few for item in order_items(history)])
    wait_until(lambda: archived(sum(len(history.purchases) for history in few)), within=60)
    thin = fit(stack)
    assert thin.returncode == 2
    assert "20 customers (at least" in thin.stderr
    assert "weeks observed" in thin.stderr

    send(stack, [item for history in rest for item in order_items(history)])
    wait_until(lambda: archived(orders), within=90)
    tried = fit(stack, "--dry-run", "--until", "1997-09-30")
    assert tried.returncode == 0, tried.stderr
    said = tried.stdout
    assert "2357 customers, 946 repeat buyers" in said
    assert "r 0.243  alpha 4.414  a 0.793  b 2.426  log-likelihood -9582.4" in said
    assert "p 6.25  q 3.74  gamma 15.44" in said
    assert said.rstrip().endswith("not published")

    published = fit(stack, "--json")
    assert published.returncode == 0, published.stderr
    found = json.loads(published.stdout)
    assert found["published"]
    assert date.fromisoformat(found["until"]) == date(1998, 6, 30)
    assert found["hold_out"]["customers"] == 2357
    held = found["hold_out"]
    assert 0.5 < held["predicted"] / held["actual"] < 2

    send(stack, [ordered("new", "2024-01-01"), ordered("new", "2024-01-15")])
    wait_until(lambda: bool(stack.triggers("new")), within=60)
    wait_until(
        lambda: any(trigger["type"] == "churn.risk" for trigger in stack.triggers("new")),
        within=60,
    )
    risk = next(t for t in stack.triggers("new") if t["type"] == "churn.risk")
    assert risk["why"]["model"] == "fitted"
    assert "default model" not in risk["reason"]


def send(stack: RunningStack, items: list[dict[str, Any]]) -> None:
    for at in range(0, len(items), 500):
        assert stack.send(*items[at : at + 500]).status_code == 200
