"""The whole promise in one run: `daehwa run -- python tests/e2e/first_click.py`.

An unmodified Segment SDK sends three page views of one product for a new visitor. Within a second
the dialogue is there, its trigger was seen live, and the archive holds exactly what was sent.
"""

import json
import os
import sys
import threading
import time
from uuid import uuid4

import httpx
from clickhouse_driver import Client
from segment.analytics.client import Client as SegmentClient

PATHS = ("/products/shoes", "/products/shoes/details", "/products/shoes/purchase")
URL = os.environ["DAEHWA_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['DAEHWA_API_TOKEN']}"}


def main() -> int:
    """0 when every promise held; prints what was measured as one JSON line."""
    visitor = f"visitor-{uuid4()}"
    live: list[tuple[float, dict[str, object]]] = []
    listening = threading.Event()
    threading.Thread(target=listen, args=(visitor, live, listening), daemon=True).start()
    if not listening.wait(10):
        return fail("the trigger stream did not open")

    archive = Client.from_url(os.environ["DAEHWA_CLICKHOUSE_URL"])
    before = archive.execute("select count() from daehwa.events")[0][0]
    sdk = SegmentClient(
        os.environ["DAEHWA_WRITE_KEY"], host=URL, upload_interval=0.01, max_retries=3
    )
    clicked = time.perf_counter()
    for path in PATHS:
        sdk.page(anonymous_id=visitor, name=path, properties={"path": path, "url": URL + path})
    sdk.flush()
    accepted = time.perf_counter()

    dialogue = wait(lambda: dialogue_of(visitor), until=clicked + 30)
    folded = time.perf_counter()
    if not dialogue or {s: d["count"] for s, d in dialogue["stages"].items()} != {
        "introduction": 1,
        "details": 1,
        "purchase": 1,
    }:
        return fail(f"the dialogue is {dialogue}")
    stages = {"details", "purchase"}
    wait(lambda: {t["stage"] for _, t in live} == stages, until=clicked + 30)
    if {trigger["stage"] for _, trigger in live} != stages:
        return fail(f"the stream has shown {live}")
    wait(lambda: count(archive) - before >= len(PATHS), until=clicked + 30)
    archived = time.perf_counter()
    if count(archive) - before != len(PATHS):
        return fail(f"{count(archive) - before} events archived instead of {len(PATHS)}")
    sdk.join()

    seconds = {
        "accepted_s": accepted - clicked,
        "dialogue_s": folded - clicked,
        "last_trigger_s": max(at for at, _ in live) - clicked,
        "archived_s": archived - clicked,
    }
    print(json.dumps({name: round(value, 4) for name, value in seconds.items()}))
    if seconds["dialogue_s"] > 1 or seconds["last_trigger_s"] > 1:
        return fail("it took more than a second")
    return 0


def listen(
    visitor: str, live: list[tuple[float, dict[str, object]]], listening: threading.Event
) -> None:
    """Follows the trigger stream and keeps what it says about the visitor."""
    url = f"{URL}/v1/triggers/stream"
    with httpx.stream("GET", url, headers=HEADERS, timeout=httpx.Timeout(10, read=60)) as answer:
        listening.set()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                trigger = json.loads(line[5:])
                if trigger["customer_id"] == visitor and trigger["type"] == "stage.reached":
                    live.append((time.perf_counter(), trigger))


def dialogue_of(visitor: str) -> dict[str, dict[str, dict[str, int]]] | None:
    """The visitor's dialogue about shoes once all three pages are in it."""
    answer = httpx.get(f"{URL}/v1/customers/{visitor}", headers=HEADERS)
    if answer.status_code != 200:
        return None
    found = answer.json()["dialogues"].get("product/shoes")
    return found if found and len(found["stages"]) == len(PATHS) else None


def count(archive: Client) -> int:
    """Events archived."""
    return int(archive.execute("select count() from daehwa.events")[0][0])


def wait(condition, until):  # type: ignore[no-untyped-def]
    """The first true value of `condition`, or the last one when time is up."""
    while not (value := condition()) and time.perf_counter() < until:
        time.sleep(0.005)
    return value


def fail(reason: str) -> int:
    """Says what did not hold."""
    sys.stderr.write(f"first_click: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
