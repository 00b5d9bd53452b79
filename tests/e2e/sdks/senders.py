"""Programs and pages that send with an SDK, watched from a test."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.conftest import CHROMIUM
from tests.e2e.tracked_site import site_of

HERE = Path(__file__).parent
PYTHON = ("segment-python", "rudderstack-python")
NODE = ("segment-node", "rudderstack-node")
BROWSER = ("segment-browser", "rudderstack-browser")
SDKS = (*PYTHON, *NODE, *BROWSER)

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # A tab in the background is slowed down; all of ours are in the background.
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]  # fmt: skip


def missing(sdk: str) -> str | None:
    """What this machine lacks to run the SDK; None where it lacks nothing."""
    if sdk in PYTHON:
        return None
    if shutil.which("node") is None or not (HERE / "node_modules").exists():
        return "SDKs for Node and browsers need: npm ci --prefix tests/e2e/sdks"
    if sdk in BROWSER and CHROMIUM is None:
        return "SDKs for browsers need Debian's chromium"
    return None


class Sender(Protocol):
    """One SDK at work for one customer."""

    def progress(self) -> int:
        """Events given to the SDK so far."""

    def done(self) -> bool:
        """Whether the SDK says that it has nothing left to send; a page cannot tell."""

    def failed(self) -> set[int]:
        """Marks of the events that the SDK says it gave up."""


@dataclass
class ProgramSender:
    """A Python or Node program."""

    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def progress(self) -> int:
        return len([line for line in self.lines if line.strip().isdigit()])

    def done(self) -> bool:
        code = self.process.poll()
        assert code in (None, 0), "".join(self.lines)
        return code == 0 and not self._reader.is_alive()

    def failed(self) -> set[int]:
        return set(json.loads(self.lines[-1])["failed"])


@dataclass
class PageSender:
    """A page of a browser."""

    page: Any

    def progress(self) -> int:
        return int(self.page.evaluate("() => window.progress"))

    def done(self) -> bool:
        self.page.evaluate("() => 0")  # what waits in the browser's connection is read meanwhile
        return True

    def failed(self) -> set[int]:
        return set()


class Senders:
    """Starts SDKs; ends what is left of them."""

    def __init__(self, bundle: Path | None, browser: Any, site: str) -> None:
        self._bundle = bundle
        self._browser = browser
        self._site = site
        self._open: list[Any] = []

    def start(
        self, sdk: str, url: str, write_key: str, customer: str, events: int, pause_ms: int
    ) -> Sender:
        """Lets the SDK send so many events about the customer, and an alias."""
        told = [sdk, url, write_key, customer, str(events), str(pause_ms)]
        if sdk in BROWSER:
            context = self._browser.new_context()
            page = context.new_page()
            page.goto(self._site)
            page.add_script_tag(path=self._bundle)
            page.evaluate(
                "([sdk, url, key, id, n, pause]) => { send(sdk, url, key, id, +n, +pause); }", told
            )
            self._open.append(context)
            return PageSender(page)
        command = (
            [sys.executable, "-m", "tests.e2e.sdks.python_sender"]
            if sdk in PYTHON
            else ["node", str(HERE / "node_sender.mjs")]
        )
        process = subprocess.Popen(
            [*command, *told],
            cwd=HERE.parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._open.append(process)
        return ProgramSender(process)

    def end(self) -> None:
        """Closes the pages and kills the programs that still run."""
        for one in self._open:
            if isinstance(one, subprocess.Popen):
                one.kill()
                one.wait()
            else:
                one.close()
        self._open.clear()


@contextmanager
def senders(folder: Path) -> Iterator[Senders]:
    """Senders for every SDK that this machine can run."""
    if missing(BROWSER[0]) is not None:
        found = Senders(None, None, "")
        try:
            yield found
        finally:
            found.end()
        return
    from playwright.sync_api import sync_playwright

    bundle = folder / "sdks.js"
    subprocess.run(
        ["node_modules/.bin/esbuild", "browser_sender.js", "--bundle", f"--outfile={bundle}"],
        cwd=HERE,
        check=True,
        capture_output=True,
    )
    with sync_playwright() as playwright, site_of() as site:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        found = Senders(bundle, browser, site.url)
        try:
            yield found
        finally:
            found.end()
            browser.close()
