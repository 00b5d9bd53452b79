"""A stranger walks every port that the stack opens; a port or a route without a rule fails here.

Two strangers: a process of another user of the machine, who knows no secret, and a web page that is
open in a browser of the operator, which can send without reading (`no-cors`).
"""

import json
import os
import shutil
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import sync_playwright
from redis import Redis
from redis.exceptions import AuthenticationError

from tests.harness.stack import RunningStack
from tests.harness.web import get, request

OPEN_ROUTES = frozenset({
    "/", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/daehwa.js", "/favicon.ico",
})  # fmt: skip
"""What anybody may read over HTTP: it holds nobody's data."""

SENDING = ("/v1/", "/beacon/", "/rsaMetrics", "/pixel/", "/sourceConfig", "/analytics.js/",
           "/analytics-next/")  # fmt: skip
"""What begins so and is the collector's asks for a write key, which can only send."""

PAGE = """
<script>
async function send(url, options) {
  try { await fetch(url, {mode: "no-cors", ...options}); } catch (problem) { return; }
}
window.done = (async () => {
  for (const url of URLS) {
    await send(url);
    await send(url, {method: "POST", body: "CREATE DATABASE stranger ENGINE = Atomic"});
  }
  return true;
})();
</script>
"""


def ports(stack: RunningStack) -> dict[int, str]:
    """Port -> the part that listens there, of all parts and their children."""
    found = {}
    for part in stack.parts():
        for process in (part, *part.children(recursive=True)):
            for one in process.net_connections(kind="tcp"):
                if one.status == psutil.CONN_LISTEN:
                    assert one.laddr.ip in ("127.0.0.1", "::1"), f"{process.cmdline()} {one.laddr}"
                    found[one.laddr.port] = kind_of(process.cmdline(), one.laddr.port, stack)
    return found


def kind_of(command: list[str], port: int, stack: RunningStack) -> str:
    """Which of the known parts it is; an unknown one fails the walk."""
    line = " ".join(command)
    if "infra.embedded.clickhouse" in line:
        http = command[command.index("--http-port") + 1]
        return "clickhouse-http" if str(port) == http else "clickhouse-native"
    if str(port) == stack.url.rpartition(":")[2]:
        return "api"
    for sign, kind in (
        ("valkey-server", "redis"),
        ("redis-server", "redis"),
        ("tansu", "kafka"),
        ("kafka.Kafka", "kafka"),
        ("-m agents ", "metrics"),
    ):
        if sign in line:
            return kind
    raise AssertionError(f"nobody has said who may use port {port} of {line}")


def test_every_port_has_a_rule(stack: RunningStack) -> None:
    kinds = sorted(set(ports(stack).values()))
    assert kinds == [
        "api", "clickhouse-http", "clickhouse-native", "kafka", "metrics", "redis",
    ]  # fmt: skip


def test_redis_asks_for_its_password(stack: RunningStack) -> None:
    (port,) = [port for port, kind in ports(stack).items() if kind == "redis"]
    with pytest.raises(AuthenticationError):
        Redis(port=port).ping()
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nFLUSHALL\r\n")
        assert b"+OK" not in raw.recv(1000)


def test_clickhouse_asks_for_its_password(stack: RunningStack) -> None:
    (port,) = [port for port, kind in ports(stack).items() if kind == "clickhouse-http"]
    answer = get(f"http://127.0.0.1:{port}/?query=SELECT+1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_workers_tell_their_metrics_and_nothing_else(stack: RunningStack) -> None:
    for port, kind in ports(stack).items():
        if kind == "metrics":
            text = get(f"http://127.0.0.1:{port}/anything").text
            assert text.startswith("# HELP"), "prometheus-client answers every path with them"
            assert stack.environment["DAEHWA_API_TOKEN"] not in text


def test_every_route_of_the_api_asks_or_is_known_to_be_open(stack: RunningStack) -> None:
    paths: dict[str, Any] = get(f"{stack.url}/openapi.json").json()["paths"]
    refused = 0
    for path, methods in paths.items():
        url = stack.url + path.replace("{", "x").replace("}", "x")
        for method in methods:
            answer = request(method.upper(), url, content=b"{}")
            if path in OPEN_ROUTES:
                continue
            closed = answer.status_code in (400, 401, 403, 404, 405)
            is_picture = answer.headers.get("content-type") == "image/gif"
            dropped = path.endswith(("/m", "/rsaMetrics")) and answer.status_code == 200
            assert closed or is_picture or dropped, f"{method} {path}: {answer.status_code}"
            refused += answer.status_code in (401, 403)
            assert "stranger" not in answer.text
    assert refused > 20


@pytest.mark.skipif(shutil.which("chromium") is None, reason="browser tests need chromium")
def test_a_web_page_in_the_operators_browser_changes_nothing(
    stack: RunningStack, tmp_path: Path
) -> None:
    urls = []
    for port, kind in ports(stack).items():
        if kind in ("clickhouse-http", "api", "metrics"):
            query = "?query=CREATE+DATABASE+stranger+ENGINE=Atomic&user=default"
            urls += [f"http://127.0.0.1:{port}/{query}", f"http://localhost:{port}/{query}"]
    page_file = tmp_path / "page.html"
    page_file.write_text(PAGE.replace("URLS", json.dumps(urls)), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), headless=True,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update",
                  "--disable-sync"],
        )  # fmt: skip
        page = browser.new_page()
        page.goto(page_file.as_uri())
        assert page.evaluate("window.done") is True
        browser.close()
    names = [name for (name,) in stack.sql("SELECT name FROM system.databases")]
    assert "stranger" not in names
    assert "daehwa" in names


def test_the_data_folder_is_its_owners(stack: RunningStack) -> None:
    data = stack.data
    assert data is not None
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for folder, _, files in os.walk(data):
        for name in files:
            with suppress(FileNotFoundError):  # the parts go on writing
                mode = stat.S_IMODE((Path(folder) / name).lstat().st_mode)
                assert not mode & 0o077, f"{folder}/{name} {mode:o}"


def test_no_secret_is_on_a_command_line(stack: RunningStack) -> None:
    secrets = [
        stack.environment["DAEHWA_API_TOKEN"],
        stack.environment["DAEHWA_REDIS_URL"].partition(":@")[2]
        or stack.environment["DAEHWA_REDIS_URL"].split(":")[2].partition("@")[0],
        stack.environment["DAEHWA_CLICKHOUSE_URL"].split(":")[2].partition("@")[0],
    ]
    for part in stack.parts():
        for process in (part, *part.children(recursive=True)):
            line = " ".join(process.cmdline())
            assert not any(secret in line for secret in secrets if secret), line
