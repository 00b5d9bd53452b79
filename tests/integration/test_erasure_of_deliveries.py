"""An erased customer's pending deliveries are erased before the profile."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from redis import Redis

from tests.harness.delivering import Delivering
from tests.harness.waiting import wait_until


def test_a_pending_delivery_of_an_erased_customer_is_erased(delivering: Delivering) -> None:
    stack, customer = delivering.stack, f"customer-{uuid4()}"
    delivering.identify(customer, phone="+82 10-2345-6789", consent=True)
    delivering.receiver.answers["/down"] = lambda _: (503, {})
    delivering.click(customer, "down")
    path = f"/v1/deliveries?status=waiting&customer={customer}"
    wait_until(lambda: stack.triggers(customer))
    with Redis.from_url(stack.environment["DAEHWA_REDIS_URL"]) as redis:

        def waiting() -> int:
            found = 0
            for key in redis.scan_iter("daehwa:*:delivery:*"):
                value: Any = redis.get(key)
                found += value is not None and customer.encode() in value
            return found

        wait_until(waiting)
        assert forget(stack.environment, customer) == f"{customer}: erased"
        assert waiting() == 0, path
    del delivering.receiver.answers["/down"]
    told = list(delivering.contacts(customer))
    assert told == []


def forget(environment: dict[str, str], customer: str) -> str:
    command = [str(Path(sys.executable).with_name("daehwa")), "forget", customer, "--yes"]
    done = subprocess.run(
        command,
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
