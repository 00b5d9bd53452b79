"""Our tracker in a real browser: whatever happens to the page, the network or the collector, what a
visitor did is in the archive once."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Visit, in_a_browser, tag
from tests.e2e.test_browser_sdk import BROWSER
from tests.e2e.tracked_site import Gate, Site
from tests.harness.paths import ROOT
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

ESBUILD = BROWSER / "node_modules" / ".bin" / "esbuild"
BUILT = ROOT / "api" / "tracker" / "daehwa.min.js"


@pytest.mark.skipif(
    shutil.which("node") is None or not ESBUILD.exists(),
    reason="browser tests need: npm ci --prefix tests/e2e/browser",
)
def test_what_is_served_was_built_from_the_source(tmp_path: Path) -> None:
    subprocess.run(
        ["make", "--silent", "tracker", f"TRACKER={tmp_path}/daehwa.min.js"], cwd=ROOT, check=True
    )
    anew = (tmp_path / "daehwa.min.js").read_text(encoding="utf-8")
    assert anew == BUILT.read_text(encoding="utf-8"), "run make tracker"


def steps(page: Any, first: int, last: int, size: int = 0) -> None:
    """Tracks so many numbered events, each with a text of `size` Korean characters."""
    page.evaluate(
        "([first, last, text]) => { for (let n = first; n < last; n++)"
        " daehwa.track('Step', {n, text}); }",
        [first, last, "가" * size],
    )


def archived(stack: RunningStack, visitor: str) -> list[tuple[str, str, int]]:
    """(message id, type or name, n) of what the archive holds of a visitor."""
    rows = stack.sql(
        "SELECT message_id, if(name = '', type, name), JSONExtractInt(properties, 'n')"
        f" FROM daehwa.events WHERE anonymous_id = '{visitor}' ORDER BY occurred_at, message_id"
    )
    return [(str(one), str(name), int(n)) for one, name, n in rows]


def only(stack: RunningStack, gate: Gate, visitor: str, numbers: int, others: int = 1) -> None:
    """Waits for the steps 0…numbers and `others` events; fails for what is lost or doubled."""
    requested = numbers + others
    wait_until(lambda: len(archived(stack, visitor)) >= requested)
    rows = archived(stack, visitor)
    assert sorted(n for _, name, n in rows if name == "Step") == list(range(numbers))
    assert len(rows) == requested
    sent = {i["messageId"] for i in gate.accepted() if i["anonymousId"] == visitor}
    assert {one for one, _, _ in rows} == sent
    view = wait_until(
        lambda: (v := stack.customer(visitor)) and v["lifecycle"]["events"] >= requested and v
    )
    assert view["lifecycle"]["events"] == requested


@in_a_browser
def test_a_page_view_arrives_once_and_says_where(
    stack: RunningStack, gate: Gate, visit: Visit
) -> None:
    page = visit.open("/products/shoes?utm_source=news&utm_campaign=spring&x=1#top")
    visitor = page.evaluate("daehwa.anonymousId()")
    only(stack, gate, visitor, 0)
    assert gate.preflights == 0
    event = gate.batches[0].items[0]
    where = {
        "path": "/products/shoes",
        "url": f"{visit.site.url}/products/shoes?utm_source=news&utm_campaign=spring&x=1",
        "title": "Page of /products/shoes?utm_source=news&utm_campaign=spring&x=1",
        "referrer": "",
        "search": "?utm_source=news&utm_campaign=spring&x=1",
    }
    assert event["properties"] == event["context"]["page"] == where
    assert event["context"]["campaign"] == {"source": "news", "name": "spring"}
    assert event["context"]["timezone"] and event["context"]["locale"]
    assert "Chrome" in event["context"]["userAgent"]
    dialogue = stack.customer(visitor)["dialogues"]["product/shoes"]
    assert dialogue["stage"] == "introduction"
    [cookie] = visit.context.cookies()
    assert (cookie["value"], cookie["sameSite"]) == (visitor, "Lax")
    assert visit.open("/again").evaluate("daehwa.anonymousId()") == visitor


@in_a_browser
@pytest.mark.parametrize("handlers", [True, False], ids=["closed", "crashed"])
def test_a_tab_that_closes_while_it_sends_loses_nothing(
    stack: RunningStack, gate: Gate, visit: Visit, handlers: bool
) -> None:
    gate.held.clear()
    page = visit.open("/products/hat")
    visitor = page.evaluate("daehwa.anonymousId()")
    assert gate.arrived.wait(10)
    steps(page, 0, 30)
    page.close(run_before_unload=handlers)
    gate.held.set()
    if handlers:  # the browser has sent what was waiting, with nobody there to hear the answer
        # Of this visitor: what the tab of another test sends late comes through the gate as well.
        wait_until(lambda: sum(i["anonymousId"] == visitor for i in gate.accepted()) == 31)
    visit.open("/products/hat")
    only(stack, gate, visitor, 30, others=2)


@in_a_browser
def test_a_page_that_goes_on_to_another_one_loses_nothing(
    stack: RunningStack, gate: Gate, visit: Visit
) -> None:
    page = visit.open("/a")
    visitor = page.evaluate("daehwa.anonymousId()")
    for n in range(5):
        steps(page, n, n + 1)
        page.goto(f"{visit.site.url}/{n}")
        page.wait_for_function("!!(window.daehwa && daehwa.anonymousId)")
    only(stack, gate, visitor, 5, others=6)


@in_a_browser
def test_more_than_a_closing_page_may_send_goes_with_the_next(
    stack: RunningStack, gate: Gate, visit: Visit
) -> None:
    gate.held.clear()
    page = visit.open("/")
    visitor = page.evaluate("daehwa.anonymousId()")
    assert gate.arrived.wait(10)
    steps(page, 0, 12, size=5000)  # 180 KB
    page.close(run_before_unload=True)
    gate.held.set()
    wait_until(lambda: len(gate.batches) == 2)
    assert 30_000 < sum(batch.size for batch in gate.batches) <= 64 * 1024
    visit.open("/")
    only(stack, gate, visitor, 12, others=2)


@in_a_browser
def test_offline_and_back(stack: RunningStack, gate: Gate, visit: Visit) -> None:
    page = visit.open("/")
    visitor = page.evaluate("daehwa.anonymousId()")
    only(stack, gate, visitor, 0)
    visit.context.set_offline(True)
    steps(page, 0, 50)
    page.wait_for_function("!navigator.onLine")
    assert len(gate.batches) == 1
    visit.context.set_offline(False)
    only(stack, gate, visitor, 50)


@in_a_browser
def test_what_waits_offline_is_bounded_and_says_what_went(
    stack: RunningStack, gate: Gate, visit: Visit
) -> None:
    visit.site.head = tag(stack, gate, queue_size="10")
    page = visit.open("/")
    wait_until(lambda: len(gate.accepted()) == 1)
    visit.context.set_offline(True)
    steps(page, 0, 25)
    visit.context.set_offline(False)
    wait_until(lambda: len(gate.accepted()) == 11)
    kept = [item for item in gate.accepted() if item["type"] == "track"]
    assert [item["properties"]["n"] for item in kept] == list(range(15, 25))
    assert sum(item["context"].get("dropped", 0) for item in kept) == 15


@in_a_browser
@pytest.mark.parametrize(
    "status",
    [503, pytest.param(429, marks=pytest.mark.slow), pytest.param(408, marks=pytest.mark.slow)],
)
def test_a_collector_in_trouble_is_asked_again_as_late_as_it_says(
    stack: RunningStack, gate: Gate, visit: Visit, status: int
) -> None:
    gate.refuse = lambda _: (status, {"Retry-After": "1"}) if len(gate.batches) < 1 else None
    page = visit.open("/")
    visitor = page.evaluate("daehwa.anonymousId()")
    wait_until(lambda: gate.batches)
    steps(page, 0, 40)
    only(stack, gate, visitor, 40)
    first, again = gate.batches[:2]
    assert first.ids[0] == again.ids[0]
    # To a 408 Chromium itself sends once more, at once.
    assert again.at - first.at >= 1 or status == 408


@in_a_browser
def test_a_batch_that_is_too_large_is_halved(stack: RunningStack, gate: Gate, visit: Visit) -> None:
    gate.refuse = lambda items: (413, {}) if len(items) > 3 else None
    page = visit.open("/")
    visitor = page.evaluate("daehwa.anonymousId()")
    steps(page, 0, 30)
    only(stack, gate, visitor, 30)


@in_a_browser
def test_what_is_refused_for_good_is_not_sent_again(
    stack: RunningStack, gate: Gate, visit: Visit
) -> None:
    gate.refuse = lambda _: (400, {}) if not gate.batches else None
    page = visit.open("/")
    wait_until(lambda: gate.batches)
    steps(page, 0, 1)
    wait_until(gate.accepted)
    assert [item["type"] for item in gate.accepted()] == ["track"]


@in_a_browser
def test_two_tabs_share_one_queue(stack: RunningStack, gate: Gate, visit: Visit) -> None:
    visit.context.set_offline(False)
    one, other = visit.open("/one"), visit.open("/other")
    visitor = one.evaluate("daehwa.anonymousId()")
    assert other.evaluate("daehwa.anonymousId()") == visitor
    wait_until(lambda: len(gate.accepted()) == 2)
    visit.context.set_offline(True)
    steps(one, 0, 20)
    steps(other, 20, 40)
    one.close(run_before_unload=False)
    visit.context.set_offline(False)
    only(stack, gate, visitor, 40, others=2)
    sent = [item["messageId"] for item in gate.copies() if item["type"] == "track"]
    assert len(sent) == len(set(sent)) == 40, "with locks nothing is sent twice"


BLOCKED = {"profile": {"default_content_setting_values": {"cookies": 2}}}


@in_a_browser
def test_where_storage_is_forbidden_memory_serves(
    stack: RunningStack, gate: Gate, site: Site, persistent: Callable[..., Any]
) -> None:
    context = persistent(BLOCKED)
    visit = Visit(context, site)
    page = visit.open("/")
    assert (
        page.evaluate("() => { try { localStorage; } catch (e) { return e.name; } }")
        == "SecurityError"
    )
    visitor = page.evaluate("daehwa.anonymousId()")
    context.set_offline(True)
    steps(page, 0, 10)
    context.set_offline(False)
    only(stack, gate, visitor, 10)
    assert visit.complaints == []


@pytest.mark.slow
@in_a_browser
def test_where_storage_is_full_memory_serves(stack: RunningStack, gate: Gate, visit: Visit) -> None:
    page = visit.open("/")
    visitor = page.evaluate("daehwa.anonymousId()")
    # The event of the page itself makes room in the storage when it has been sent.
    page.wait_for_function("!Object.keys(localStorage).some(k => k.includes('queue'))")
    page.evaluate(
        "() => { for (let size = 1 << 22; size >= 1; size >>= 1)"
        " try { for (let n = 0; ; n++) localStorage[`full-${size}-${n}`] = 'x'.repeat(size); }"
        " catch (e) {} }"
    )
    visit.context.set_offline(True)
    steps(page, 0, 30)
    assert page.evaluate("Object.keys(localStorage).filter(k => k.includes('queue')).length") == 0
    visit.context.set_offline(False)
    only(stack, gate, visitor, 30)
