"""Sends with one of the Python SDKs, as a program that uses it does.

python -m tests.e2e.sdks.python_sender SDK URL WRITE_KEY CUSTOMER EVENTS PAUSE_MS
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

GivenUp = Callable[[Exception, list[dict[str, Any]]], None]


def segment_python(url: str, write_key: str, given_up: GivenUp) -> Any:
    # set-up
    from segment.analytics import Client

    analytics = Client(write_key, host=url, on_error=given_up)
    # end
    return analytics


def rudderstack_python(url: str, write_key: str, given_up: GivenUp) -> Any:
    # set-up
    from rudderstack.analytics.client import Client

    analytics = Client(write_key, host=url, on_error=given_up)
    # end
    return analytics


SDKS = {"segment-python": segment_python, "rudderstack-python": rudderstack_python}


def main() -> None:
    sdk, url, write_key, customer, count, pause = sys.argv[1:]
    failed: list[int] = []

    def given_up(_: Exception, events: list[dict[str, Any]]) -> None:
        for event in events:
            said = event.get("properties") or event.get("traits") or {}
            failed.append(said.get("mark", -1))

    logging.disable(logging.CRITICAL)
    analytics = SDKS[sdk](url, write_key, given_up)
    for mark in range(int(count)):
        said = {"mark": mark, "text": f"{customer} says {mark} 대화"}
        place = mark % 20
        if mark == 0:
            analytics.identify(customer, said)
        elif place == 1:
            analytics.page(customer, "Shop", f"Page {mark}", said)
        elif place == 2:
            analytics.screen(customer, "App", f"Screen {mark}", said)
        elif place == 3:
            analytics.group(customer, f"group-{mark}", said)
        else:
            analytics.track(customer, f"Event {mark % 7}", said)
        print(mark, flush=True)
        time.sleep(int(pause) / 1000)  # an application that is busy with other things
    analytics.alias(f"{customer}-before", customer)
    analytics.flush()
    analytics.shutdown()
    print(json.dumps({"failed": failed}), flush=True)


if __name__ == "__main__":
    main()
