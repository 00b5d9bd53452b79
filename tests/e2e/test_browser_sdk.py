"""The unmodified Segment SDK in a real browser, loaded by a page of another origin."""

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import CHROMIUM
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

BROWSER = Path(__file__).parent / "browser"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="browser tests need Debian's chromium"),
    pytest.mark.skipif(
        shutil.which("node") is None or not (BROWSER / "node_modules").exists(),
        reason="browser tests need: npm ci --prefix tests/e2e/browser",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with the SDK on it, served on another port than the collector."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        ["node_modules/.bin/esbuild", "segment.js", "--bundle", f"--outfile={folder}/segment.js"],
        cwd=BROWSER,
        check=True,
        capture_output=True,
    )
    page = '<!doctype html><title>Shoes</title><script src="/segment.js"></script>'
    for path in ("products/shoes", "products/shoes/details"):
        target = folder / path / "index.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=CHROMIUM, headless=True, args=FLAGS
        )
        yield context.pages[0]
        context.close()


def test_page_track_and_identify_become_dialogue_state(
    stack: RunningStack,
    site: str,
    page: object,
) -> None:
    customer = f"customer-{uuid4()}"
    start = """([key, host]) => {
        window.sdk = AnalyticsBrowser.load({writeKey: key, cdnURL: 'http://' + host},
            {integrations: {'Segment.io': {apiHost: host + '/v1', protocol: 'http'}}});
    }"""
    told = [stack.write_key, stack.url.removeprefix("http://")]
    for path in ("/products/shoes/", "/products/shoes/details/"):
        page.goto(site + path)  # type: ignore[attr-defined]
        page.evaluate(start, told)  # type: ignore[attr-defined]
        page.evaluate("async () => { await window.sdk.page(); }")  # type: ignore[attr-defined]
    visitor = page.evaluate("async () => (await window.sdk.user()).anonymousId()")  # type: ignore[attr-defined]
    page.evaluate(  # type: ignore[attr-defined]
        "async () => { await window.sdk.track('Product Added', {category: 'Shoes', price: 9}); }"
    )
    view = wait_until(
        lambda: (v := stack.customer(visitor)) and v["lifecycle"]["events"] == 3 and v
    )
    stages = view["dialogues"]["product/shoes"]["stages"]
    assert {name: span["count"] for name, span in stages.items()} == {
        "introduction": 1,
        "details": 1,
        "cart": 1,
    }
    page.evaluate(  # type: ignore[attr-defined]
        "async (id) => { await window.sdk.identify(id, {email: 'a@b.example'}); }", customer
    )
    view = wait_until(
        lambda: (v := stack.customer(customer)) and v["lifecycle"]["events"] == 4 and v
    )
    assert view["traits"]["email"] == "a@b.example"
    assert view["dialogues"]["product/shoes"]["furthest"] == "cart"
    assert stack.customer(visitor)["customer_id"] == customer
