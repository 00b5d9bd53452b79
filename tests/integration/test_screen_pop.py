"""A phone rings: the caller's record is on the trigger stream before anybody picks up."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until


class Screen:
    """What a clerk's screen gets: server-sent events of type `screen.pop`."""

    def __init__(self, stack: RunningStack) -> None:
        self.pops: list[dict[str, Any]] = []
        self.listens = threading.Event()
        self._client = httpx.Client(base_url=stack.url, headers=stack.headers, timeout=60)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self.listens.wait(10)

    def _read(self) -> None:
        with self._client.stream("GET", "/v1/triggers/stream?type=screen.pop") as answer:
            try:
                for line in answer.iter_lines():
                    self.listens.set()
                    if line.startswith("data:"):
                        self.pops.append(json.loads(line[5:]))
            except (httpx.TransportError, httpx.StreamError, OSError):
                return

    def of(self, call: str) -> list[dict[str, Any]]:
        return [pop for pop in tuple(self.pops) if pop["why"]["call_id"] == call]

    def close(self) -> None:
        self._client.close()


@contextmanager
def screen_of(stack: RunningStack) -> Iterator[Screen]:
    screen = Screen(stack)
    try:
        yield screen
    finally:
        screen.close()


@pytest.fixture(scope="module")
def screen(stack: RunningStack) -> Iterator[Screen]:
    with screen_of(stack) as found:
        yield found


def post(stack: RunningStack, path: str, body: Any) -> httpx.Response:
    return httpx.post(f"{stack.url}{path}", headers=stack.headers, json=body, timeout=20)


def ring(stack: RunningStack, number: str | None, call: str, **more: Any) -> dict[str, Any]:
    answer = post(stack, "/v1/calls/ringing", {"call_id": call, "number": number, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def new_number() -> str:
    return f"+8210{uuid4().int % 10**8:08}"


def customer_with(stack: RunningStack, number: str, **traits: Any) -> str:
    customer = f"customer-{uuid4()}"
    stack.send(
        {"type": "identify", "userId": customer, "traits": {"phone": number, **traits}},
        {"type": "track", "userId": customer, "event": "Product Added",
         "properties": {"category": "shoes", "price": 30}},
    )  # fmt: skip
    wait_until(lambda: (v := stack.customer(customer)) and v["lifecycle"]["events"] == 2)
    return customer


def test_a_known_caller_is_on_the_screen_with_the_whole_view(
    stack: RunningStack, screen: Screen
) -> None:
    number, call = new_number(), str(uuid4())
    customer = customer_with(stack, number, name="Kim Minji")
    ring(stack, number, call, operator="agent-7", extension="201", line="+8215880000")
    [pop] = wait_until(lambda: screen.of(call))
    assert (pop["type"], pop["customer_id"]) == ("screen.pop", customer)
    why = pop["why"]
    assert (why["number"], why["operator"], why["extension"]) == (number, "agent-7", "201")
    assert why["known"] is True and why["whole"] is True and why["others"] == []
    assert why["customer"]["traits"]["name"] == "Kim Minji"
    assert why["customer"]["dialogues"]["product/shoes"]["stage"] == "cart"
    assert set(why["customer"]) == set(stack.customer(customer))
    # The call is a contact of the customer too, and on the record.
    wait_until(lambda: stack.customer(customer)["lifecycle"]["events"] == 3)
    columns = "name, direction, operator, channel"
    row = f"SELECT {columns} FROM daehwa.events WHERE message_id = 'ringing:{call}'"
    assert wait_until(lambda: stack.sql(row)) == [("call.ringing", "inbound", "agent-7", "call")]
    archived = f"SELECT customer_id, why FROM daehwa.triggers WHERE id = '{pop['id']}'"
    [(who, kept)] = wait_until(lambda: stack.sql(archived))
    assert who == customer and "Kim Minji" not in kept and number in kept


def test_an_unknown_caller_pops_and_is_known_to_have_called(
    stack: RunningStack, screen: Screen
) -> None:
    number, first, second = new_number(), str(uuid4()), str(uuid4())
    ring(stack, number, first)
    [pop] = wait_until(lambda: screen.of(first))
    assert pop["why"]["known"] is False and pop["why"]["customer"] is None
    visitor = pop["customer_id"]
    assert visitor == f"phone:{number}"
    wait_until(lambda: stack.customer(visitor))
    ring(stack, number, second)
    [pop] = wait_until(lambda: screen.of(second))
    assert pop["why"]["known"] is False
    assert pop["why"]["customer"]["lifecycle"]["events"] == 1


def test_everybody_with_the_number_is_listed_the_liveliest_first(
    stack: RunningStack, screen: Screen
) -> None:
    number, call = new_number(), str(uuid4())
    one, two = customer_with(stack, number, name="Kim"), customer_with(stack, number, name="Lee")
    stack.send({"type": "track", "userId": one, "event": "Product Viewed", "properties": {}})
    wait_until(lambda: stack.customer(one)["lifecycle"]["events"] == 3)
    ring(stack, number, call)
    [pop] = wait_until(lambda: screen.of(call))
    assert pop["customer_id"] == pop["why"]["customer"]["customer_id"] == one
    assert [(o["customer_id"], o["name"]) for o in pop["why"]["others"]] == [(two, "Lee")]


def test_the_same_ringing_pops_once_however_often_it_is_told(
    stack: RunningStack, screen: Screen
) -> None:
    number, call, last = new_number(), str(uuid4()), str(uuid4())
    customer = customer_with(stack, number)
    with ThreadPoolExecutor(8) as pool:
        ids = {
            found["message_id"] for found in pool.map(lambda _: ring(stack, number, call), range(8))
        }
    ring(stack, number, call)
    assert len(ids) == 1
    ring(stack, number, last)
    wait_until(lambda: screen.of(last))
    assert len(screen.of(call)) == 1
    wait_until(lambda: stack.customer(customer)["lifecycle"]["events"] == 4)


def test_no_consent_is_asked_of_who_calls(stack: RunningStack, screen: Screen) -> None:
    number, call = new_number(), str(uuid4())
    customer = customer_with(stack, number, consent={"all": False})
    ring(stack, number, call)
    [pop] = wait_until(lambda: screen.of(call))
    assert (pop["decision"], pop["customer_id"]) == ("fire", customer)


def test_a_withheld_number_pops_as_a_call(stack: RunningStack, screen: Screen) -> None:
    for number in (None, "anonymous"):
        call = str(uuid4())
        ring(stack, number, call, extension="7")
        [pop] = wait_until(lambda call=call: screen.of(call))
        assert pop["customer_id"] == f"call:{call}"
        assert pop["why"]["number"] is None and pop["why"]["extension"] == "7"


def test_a_contact_that_rings_pops_too_but_not_when_it_is_long_over(
    stack: RunningStack, screen: Screen
) -> None:
    number, call, over = new_number(), str(uuid4()), str(uuid4())
    customer = customer_with(stack, number)
    contact = {"code": "call.ringing", "channel": "call", "phone": number}
    late = {**contact, "properties": {"call_id": over}, "occurred_at": "2026-01-01T09:00:00+09:00"}
    now = {**contact, "properties": {"call_id": call}}
    assert post(stack, "/v1/contact", late).status_code == 200
    assert post(stack, "/v1/contact/batch", [now]).json()["accepted"] == 1
    [pop] = wait_until(lambda: screen.of(call))
    assert pop["customer_id"] == customer
    assert screen.of(over) == []


@pytest.mark.parametrize("body", [{}, {"call_id": ""}, {"call_id": "1", "nummer": "1"}, []])
def test_what_is_no_ringing_call_is_refused(stack: RunningStack, body: Any) -> None:
    answer = post(stack, "/v1/calls/ringing", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_call"


def test_nobody_rings_without_the_token(stack: RunningStack) -> None:
    answer = httpx.post(f"{stack.url}/v1/calls/ringing", json={"call_id": "1"})
    assert answer.status_code == 401
