"""Who our tracker takes a visitor for, what it sees as a page, and when it keeps silent."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Visit, in_a_browser, tag
from tests.e2e.tracked_site import Gate, Site
from tests.harness.paths import DOCS
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

DOCUMENTED = DOCS / "how-to" / "tracker.md"
STORED = "document.cookie + Object.keys(localStorage).join()"

pytestmark = in_a_browser


def names(gate: Gate) -> list[str]:
    """Of each event the collector has: the page's path, the track's name, or the type."""
    return [
        item["properties"]["path"] if item["type"] == "page" else item.get("event", item["type"])
        for item in sorted(gate.accepted(), key=lambda item: item["timestamp"])
    ]


def test_the_documented_snippet_takes_calls_before_the_script_is_there(
    stack: RunningStack, gate: Gate, visit: Visit
) -> None:
    snippets = re.findall(r"```html\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.S)
    snippet = snippets[1].replace("https://HOST", gate.url).replace("WRITE_KEY", stack.write_key)
    snippet = snippet.replace("shop.example", "127.0.0.1")
    customer = f"customer of {visit.site.url}"
    early = (
        "<script>window.began = Date.now(); daehwa.track('Product Added', {category: 'Shoes'});"
        f"daehwa.identify('{customer}', {{name: 'Anna'}}); daehwa.consent('email', true);</script>"
    )
    visit.site.policy = ""
    visit.site.head = snippet.replace("<script async", early + "<script async")
    page = visit.open("/early")
    wait_until(lambda: "/early" in names(gate))
    page.evaluate("daehwa.group('family', {size: 4}); daehwa.page('Docs', 'Index', {depth: 1})")
    view = wait_until(
        lambda: (v := stack.customer(customer)) and v["lifecycle"]["events"] >= 6 and v
    )
    assert view["traits"]["name"] == "Anna"
    assert view["consent"] == {"email": True}
    assert view["dialogues"]["product/shoes"]["stage"] == "cart"
    expected = ["Product Added", "identify", "identify", "/early", "group", "/early"]
    wait_until(lambda: len(names(gate)) >= len(expected))
    assert names(gate) == expected
    events = {item["type"]: item for item in gate.accepted()}  # of each type the last
    assert (events["page"]["category"], events["page"]["name"]) == ("Docs", "Index")
    assert events["page"]["properties"]["depth"] == 1
    began = page.evaluate("new Date(began + 50).toISOString()")
    assert events["track"]["timestamp"] <= began


def test_a_single_page_application_is_seen_page_by_page(gate: Gate, visit: Visit) -> None:
    page = visit.open("/a")
    wait_until(lambda: names(gate) == ["/a"])
    page.evaluate("history.replaceState(1, '', '/a#top'); history.pushState(1, '', '/a')")
    page.evaluate("history.pushState(1, '', '/b'); document.title = 'B'")
    wait_until(lambda: names(gate) == ["/a", "/b"])
    seen = gate.accepted()[1]["properties"]
    assert (seen["title"], seen["referrer"]) == ("B", f"{visit.site.url}/a")
    page.evaluate("daehwa.page()")
    page.evaluate("history.replaceState(1, '', '/c?x=1')")
    wait_until(lambda: names(gate) == ["/a", "/b", "/b", "/c"])
    page.go_back()
    wait_until(lambda: names(gate)[4:] == ["/a"])
    page.evaluate("history.pushState(1, '', '/last')")
    page.close(run_before_unload=True)
    wait_until(lambda: names(gate)[5:] == ["/last"])


def test_page_views_can_be_left_to_the_site(stack: RunningStack, gate: Gate, visit: Visit) -> None:
    visit.site.head = tag(stack, gate, pages="false")
    page = visit.open("/a")
    page.evaluate("history.pushState(1, '', '/b'); daehwa.track('Only this')")
    wait_until(lambda: names(gate) == ["Only this"])
    page.evaluate("daehwa.page()")
    wait_until(lambda: names(gate) == ["Only this", "/b"])


def test_after_a_reset_it_is_somebody_else(gate: Gate, visit: Visit) -> None:
    page = visit.open("/")
    ids = [page.evaluate("daehwa.anonymousId()")]
    page.evaluate("daehwa.identify('anna'); daehwa.track('One'); daehwa.reset()")
    ids.append(page.evaluate("daehwa.anonymousId()"))
    page.evaluate("daehwa.track('Two'); daehwa.identify('ben'); daehwa.identify('carla')")
    ids.append(page.evaluate("daehwa.anonymousId()"))
    assert len(set(ids)) == 3
    other = visit.open("/other")
    assert other.evaluate("daehwa.anonymousId()") == ids[2]
    wait_until(lambda: len(gate.accepted()) == 7)
    who = {
        item.get("event", item.get("userId")): (item.get("userId"), item["anonymousId"])
        for item in gate.accepted()
        if item["type"] != "page"
    }
    assert who == {
        "anna": ("anna", ids[0]),
        "One": ("anna", ids[0]),
        "Two": (None, ids[1]),
        "ben": ("ben", ids[1]),
        "carla": ("carla", ids[2]),
    }


def test_a_refusal_is_the_last_that_is_heard(stack: RunningStack, gate: Gate, visit: Visit) -> None:
    page = visit.open("/")
    visitor = page.evaluate("daehwa.anonymousId()")
    page.evaluate("daehwa.identify('refuser'); daehwa.consent({analytics: false})")
    page.evaluate("daehwa.track('No'); daehwa.identify('refuser'); daehwa.alias('other')")
    assert page.evaluate("daehwa.anonymousId()") == ""
    wait_until(lambda: len(gate.accepted()) >= 3)
    assert gate.accepted()[-1]["traits"] == {"consent": {"analytics": False}}
    wait_until(lambda: stack.customer(visitor).get("consent") == {"analytics": False})
    later = visit.open("/later")
    later.evaluate("daehwa.track('Still no')")
    stored = later.evaluate(STORED)
    assert visitor not in stored
    assert "daehwa.id" not in stored
    assert "refuser" not in later.evaluate("JSON.stringify(localStorage)")
    later.evaluate("daehwa.consent('analytics', true); daehwa.track('Yes')")
    wait_until(lambda: "Yes" in names(gate))
    wait_until(lambda: "/later" in names(gate))
    assert not {"No", "Still no"} & set(names(gate))
    assert later.evaluate("daehwa.anonymousId()") not in ("", visitor)


def test_a_site_may_ask_first(stack: RunningStack, gate: Gate, visit: Visit) -> None:
    visit.site.head = tag(stack, gate, opt_in="true")
    page = visit.open("/asked")
    page.evaluate(
        "daehwa.track('Too early'); daehwa.identify('early'); daehwa.consent('sms', true)"
    )
    assert page.evaluate(STORED) == ""
    page.evaluate("daehwa.consent(true)")
    wait_until(lambda: names(gate) == ["identify", "/asked"])
    assert gate.batches[0].items[0]["traits"] == {"consent": {"all": True}}


@pytest.mark.parametrize("signal", ["gpc", "dnt"])
def test_who_does_not_want_to_be_tracked_is_not(
    stack: RunningStack,
    gate: Gate,
    site: Site,
    persistent: Callable[[dict[str, Any]], Any],
    signal: str,
) -> None:
    context = persistent({"enable_do_not_track": signal == "dnt"})
    if signal == "gpc":  # Chromium has no such preference
        context.add_init_script(
            "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
        )
    visit = Visit(context, site)
    site.head = tag(stack, gate, respect_dnt="false")
    page = visit.open("/ignored")
    assert page.evaluate("navigator.doNotTrack == 1 || navigator.globalPrivacyControl")
    wait_until(lambda: names(gate) == ["/ignored"])
    site.head = tag(stack, gate)
    page = visit.open("/respected")
    page.evaluate("daehwa.identify('anna'); daehwa.track('Secret'); daehwa.consent('all', true)")
    page.evaluate("daehwa.page(); daehwa.reset()")
    assert page.evaluate("daehwa.anonymousId()") == ""
    assert page.evaluate(STORED) == ""
    page.close(run_before_unload=True)
    visit.open("/nothing").close(run_before_unload=True)
    assert names(gate) == ["/ignored"]
    assert visit.complaints == []


def test_nothing_that_a_site_calls_throws_into_it(gate: Gate, visit: Visit) -> None:
    page = visit.open("/")
    page.evaluate(
        """() => {
          const round = {}; round.round = round;
          for (const odd of [undefined, null, 0, "", 1n, Symbol("s"), round, () => {}, [], NaN])
            for (const call of ["load", "page", "track", "identify", "group", "alias", "consent"])
              daehwa[call](odd, odd, odd);
          daehwa.consent("all", true);
          daehwa.reset();
          daehwa.track("After all");
        }"""
    )
    wait_until(lambda: "After all" in names(gate))
