"""To be forgotten, and to be told what is held: through the whole stack."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from redis import Redis

from infra.redis.keys import aliases_key
from streams.identity.aliases import email_alias
from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until


def viewed(who: dict[str, str], at: str | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": str(uuid4()),
        "properties": {"category": "shoes", **properties},
        **({"timestamp": at} if at else {}),
        **who,
    }


def rows(stack: RunningStack, *ids: str) -> int:
    names = ", ".join(f"'{one}'" for one in ids)
    found = 0
    for table, column in (("events_stored", "profile_key"), ("events_stored", "addressed_to"),
                          ("triggers_stored", "customer_id")):  # fmt: skip
        kind = "" if table != "events_stored" else " and type != 'erase'"
        query = f"select count() from daehwa.{table} where {column} in ({names}){kind}"
        found += stack.sql(query)[0][0]
    letters = " or ".join(f"position(payload, '{one}') > 0" for one in ids)
    return found + stack.sql(f"select count() from daehwa.dead_letters where {letters}")[0][0]


def daehwa(stack: RunningStack, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("daehwa")), *arguments]
    done = subprocess.run(
        command,
        check=False,
        env={**os.environ, **stack.environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def alias_of(stack: RunningStack, address: str) -> list[bytes]:
    alias = email_alias(address)
    assert alias is not None
    with Redis.from_url(stack.environment["DAEHWA_REDIS_URL"]) as redis:
        return redis.zrange(aliases_key(alias.kind, alias.value), 0, -1)  # type: ignore[return-value]


def test_a_customer_is_forgotten_everywhere_and_stays_so(stack: RunningStack) -> None:
    name = str(uuid4())
    visitor, customer = f"visitor-{name}", f"customer-{name}"
    address = f"{customer}@shop.example"
    stack.send(viewed({"anonymousId": visitor}))
    both = {"anonymousId": visitor, "userId": customer}
    stack.send(
        {"type": "identify", "messageId": str(uuid4()), "traits": {"email": address}, **both}
    )
    stack.send({"type": "track", "event": "", "userId": customer, "messageId": str(uuid4())})
    for stage in ("Product Added", "Checkout Started"):
        stack.send({**viewed({"userId": customer}), "event": stage})
    wait_until(lambda: stack.customer(visitor).get("customer_id") == customer)
    wait_until(lambda: stack.customer(customer)["identities"] == [{"id": visitor, "merged": True}])
    wait_until(lambda: rows(stack, customer, visitor) >= 6, within=30)
    assert alias_of(stack, address) == [customer.encode()]

    answer = json.loads(daehwa(stack, "forget", visitor, "--yes", "--json"))
    assert set(answer["ids"]) == {customer, visitor}
    assert answer["pending"] == []
    assert stack.customer(customer) == stack.customer(visitor) == {}
    assert alias_of(stack, address) == []
    assert rows(stack, customer, visitor) == 0
    assert stack.sql(f"select * from daehwa.identities where customer_id = '{customer}'") == []
    assert stack.get(f"/v1/customers/{customer}/export").status_code == 404

    # What happened before comes late; what happens now is a new beginning.
    for who in ({"userId": customer}, {"anonymousId": visitor}, both):
        stack.send(viewed(who, "2026-01-02T03:04:05Z"))
    stack.send(viewed({"userId": customer}, category="hats"))
    wait_until(lambda: stack.customer(customer))
    wait_until(lambda: rows(stack, customer) > 0, within=30)
    view = stack.customer(customer)
    assert list(view["dialogues"]) == ["product/hats"]
    assert view["lifecycle"]["events"] == 1
    assert view["traits"] == {}
    assert stack.customer(visitor) == {}
    archived = stack.sql(
        "select topics from daehwa.events where profile_key in "
        f"('{customer}', '{visitor}') or anonymous_id = '{visitor}'"
    )
    assert archived == [(["product/hats"],)]


def test_everything_held_is_exported(stack: RunningStack) -> None:
    name = str(uuid4())
    visitor, customer = f"visitor-{name}", f"customer-{name}"
    stack.send(viewed({"anonymousId": visitor}))
    stack.send(
        {
            "type": "identify",
            "userId": customer,
            "anonymousId": visitor,
            "messageId": str(uuid4()),
            "traits": {"name": "Ann", "consent": {"email": {"marketing": False}}},
            "context": {"ip": "203.0.113.77"},
        }
    )
    stack.send({"type": "track", "event": "", "userId": customer, "messageId": "m" + name})
    wait_until(lambda: stack.customer(customer).get("identities", [{}])[0].get("merged"))
    wait_until(lambda: rows(stack, customer, visitor) >= 5, within=30)
    lines = [json.loads(line) for line in daehwa(stack, "export", customer).splitlines()]
    by_kind: dict[str, list[Any]] = {}
    for line in lines:
        by_kind.setdefault(line["kind"], []).append(line["data"])
    assert by_kind["end"] == [{"lines": len(lines) - 1}]
    assert by_kind["customer"][0]["traits"]["name"] == "Ann"
    stated = by_kind["customer"][0]["consent_stated"]["email:marketing"]
    assert stated["granted"] is False
    assert [one["about"] for one in by_kind["consent"]] == ["email:marketing"]
    kinds = {event["type"] for event in by_kind["event"]}
    assert {"track", "identify", "link", "merge"} <= kinds
    (identified,) = [event for event in by_kind["event"] if event["type"] == "identify"]
    assert identified["properties"]["name"] == "Ann"
    assert identified["context"]["ip"] == "203.0.113.0", "only the network is kept"
    assert len(by_kind["dead_letter"]) == 1
    assert stack.get(f"/v1/customers/nobody-{name}/export").status_code == 404
