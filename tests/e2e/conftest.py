"""What browser tests of our tracker share: a browser, a site, and a gate before the collector."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHROMIUM
from tests.e2e.tracked_site import Gate, Site, gate_before, site_of
from tests.harness.stack import RunningStack

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="browser tests need Debian's chromium")


@pytest.fixture(scope="module")
def gate(stack: RunningStack) -> Iterator[Gate]:
    with gate_before(stack.url) as found:
        yield found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Any) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def persistent(playwright: Any, tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Any]]:
    """Starts a browser of its own whose profile has the given preferences."""
    opened = []

    def start(preferences: dict[str, Any]) -> Any:
        folder = tmp_path / "profile" / "Default"
        folder.mkdir(parents=True)
        (folder / "Preferences").write_text(json.dumps(preferences))
        opened.append(
            playwright.chromium.launch_persistent_context(
                str(folder.parent), executable_path=CHROMIUM, headless=True, args=FLAGS
            )
        )
        return opened[0]

    yield start
    for context in opened:
        context.close()


@pytest.fixture
def site(stack: RunningStack, gate: Gate) -> Iterator[Site]:
    """A site that runs the tracker under a policy which lets nothing else in."""
    gate.open()
    with site_of() as found:
        found.head = tag(stack, gate)
        found.policy = f"default-src 'none'; script-src {gate.url}; connect-src {gate.url}"
        yield found
    gate.held.set()


@pytest.fixture
def visit(chromium: Any, site: Site) -> Iterator["Visit"]:
    context = chromium.new_context()
    found = Visit(context, site)
    yield found
    context.close()
    assert found.complaints == []


class Visit:
    """One browser and what it complained of."""

    def __init__(self, context: Any, site: Site) -> None:
        self.context = context
        self.site = site
        self.complaints: list[str] = []

    def open(self, path: str) -> Any:
        """A tab on a page of the site whose tracker runs."""
        page = self.context.new_page()
        page.on("pageerror", lambda problem: self.complaints.append(str(problem)))
        page.goto(self.site.url + path)
        page.wait_for_function("!!(window.daehwa && daehwa.anonymousId)")
        return page


def tag(stack: RunningStack, gate: Gate, **options: str) -> str:
    """The script tag with options as data attributes."""
    data = "".join(f' data-{name.replace("_", "-")}="{value}"' for name, value in options.items())
    key = stack.write_key
    return f'<script async src="{gate.url}/daehwa.js" data-write-key="{key}"{data}></script>'
