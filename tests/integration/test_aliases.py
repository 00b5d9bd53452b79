"""A phone rings: whose number is that?"""

from typing import Any
from uuid import uuid4

import pytest

from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until


def identify(who: dict[str, str], **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "messageId": str(uuid4()), "traits": traits, **who}


def found(stack: RunningStack, query: str) -> list[str]:
    answer = stack.get(f"/v1/customers?{query}")
    assert answer.status_code == 200, answer.text
    return [view["customer_id"] for view in answer.json()["customers"]]


def new_number() -> str:
    return f"+8210{uuid4().int % 10**8:08}"


def test_a_customer_is_found_by_address_and_number(stack: RunningStack) -> None:
    customer, number = f"customer-{uuid4()}", new_number()
    email = f"{customer}@Shop.example"
    stack.send(
        identify({"userId": customer}, email=email, phone=f"+82 10-{number[5:9]}-{number[9:]}")
    )
    wait_until(lambda: found(stack, f"email=%20{email.upper()}") == [customer])
    assert found(stack, f"phone={number}") == [customer]
    assert found(stack, f"phone=%2B{number[1:]}") == [customer]
    # The number changes; the old one is nobody's any more.
    later = new_number()
    stack.send(identify({"userId": customer}, phone=later))
    wait_until(lambda: found(stack, f"phone={later}") == [customer])
    assert found(stack, f"phone={number}") == []
    assert found(stack, f"email={email}") == [customer]


def test_a_number_moves_with_a_merge_and_may_be_shared(stack: RunningStack) -> None:
    name, number = str(uuid4()), new_number()
    visitor, customer, other = f"visitor-{name}", f"customer-{name}", f"other-{name}"
    stack.send(identify({"anonymousId": visitor}, mobile=number))
    wait_until(lambda: found(stack, f"phone={number}") == [visitor])
    stack.send(identify({"anonymousId": visitor, "userId": customer}))
    wait_until(lambda: found(stack, f"phone={number}") == [customer])
    stack.send(identify({"userId": other}, tel=number))
    wait_until(lambda: set(found(stack, f"phone={number}")) == {other, customer})


@pytest.mark.parametrize(
    ("query", "says"),
    [("phone=call-me", "cannot be read"), ("email=nobody", "no e-mail"), ("", "one of"),
     ("email=a@b.example&phone=%2B8223123456", "one of")],
)  # fmt: skip
def test_what_cannot_be_read_is_said(stack: RunningStack, query: str, says: str) -> None:
    answer = stack.get(f"/v1/customers?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
    assert says in answer.json()["message"]


def test_nobody_is_found_without_the_token_or_by_a_strange_number(stack: RunningStack) -> None:
    assert found(stack, f"phone={new_number()}") == []
    stack.headers, held = {}, stack.headers
    try:
        assert stack.get("/v1/customers?email=a@b.example").status_code == 401
    finally:
        stack.headers = held
