"""Every id can be looked up, exported and erased, whatever it contains."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from api.customer_ids import CustomerIds, plain_id
from tests.harness.histories import law

app = FastAPI()
app.add_middleware(CustomerIds)


@app.get("/v1/customers/{customer_id:path}/export")
def export(customer_id: str) -> dict[str, str]:
    return {"export": plain_id(customer_id)}


@app.delete("/v1/customers/{customer_id:path}")
def forget(customer_id: str) -> dict[str, str]:
    return {"forget": plain_id(customer_id)}


@app.get("/v1/customers/{customer_id:path}")
def view(customer_id: str) -> dict[str, str]:
    return {"view": plain_id(customer_id)}


def ask(method: str, path: str) -> Any:
    async def answer() -> Any:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return (await client.request(method, path)).json()

    return asyncio.run(answer())


@pytest.mark.parametrize(
    "customer",
    [
        "t7v/export", "export", "a/erasure", "a/b/c", "/", "a/", "-12", "--help", "a\nb", "a\r\nb/",
        "a b", "a%2Fb", "a?b=c#d", "김민아/수출", "\ue02f", "\ue02f1/", "a+b@c.example",
    ],
)  # fmt: skip
def test_no_text_of_an_id_is_taken_for_a_route(customer: str) -> None:
    path = f"/v1/customers/{quote(customer, safe='')}"
    assert ask("GET", path) == {"view": customer}
    assert ask("GET", f"{path}/export") == {"export": customer}
    assert ask("DELETE", path) == {"forget": customer}


def test_a_slash_that_is_not_escaped_is_one_all_the_same() -> None:
    assert ask("GET", "/v1/customers/a/b") == {"view": "a/b"}
    assert ask("GET", "/v1/customers/a/b/export") == {"export": "a/b"}


@law
@given(st.text(min_size=1, max_size=12).filter(lambda text: text not in (".", "..")))
def test_any_id_is_found_again(customer: str) -> None:
    path = f"/v1/customers/{quote(customer, safe='')}"
    assert ask("GET", f"{path}/export") == {"export": customer}
