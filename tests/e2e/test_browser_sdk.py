"""The unmodified Segment SDK in a real browser, loaded by a page of another origin."""

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
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

SNIPPET = """<!doctype html><title>Hats</title><script>
const given = new URLSearchParams(location.search);
window.analytics = [];
for (const method of ["page", "track", "identify"])
  analytics[method] = (...said) => analytics.push([method, ...said]);
analytics._writeKey = given.get("key");
const script = document.createElement("script");
script.src = `${given.get("url")}/analytics.js/v1/${given.get("key")}/analytics.min.js`;
document.head.append(script);
analytics.identify(given.get("customer"));
analytics.track("Product Added", {category: "hats"});
</script>"""
"""A page that queues calls until the script is there, as the snippet of Segment does."""

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
    (folder / "snippet.html").write_text(SNIPPET)
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


def test_the_plain_snippet_works_with_the_script_from_here(
    stack: RunningStack, site: str, page: object
) -> None:
    """The script asks nobody but this server for anything."""
    customer = f"customer-{uuid4()}"
    asked: list[str] = []
    given = urlencode({"key": stack.write_key, "url": stack.url, "customer": customer})
    page.on("request", lambda one: asked.append(one.url))  # type: ignore[attr-defined]
    page.goto(f"{site}/snippet.html?{given}")  # type: ignore[attr-defined]
    view = wait_until(lambda: (v := stack.customer(customer)) and v["dialogues"] and v)
    assert view["dialogues"]["product/hats"]["stage"] == "cart"
    assert {url.split("/")[2] for url in asked} == {
        address.removeprefix("http://") for address in (stack.url, site)
    }
