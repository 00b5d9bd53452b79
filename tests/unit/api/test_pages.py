"""The pages hold nothing foreign, escape what they show, and give a visitor their own dialogues."""

import re
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from api import home, shop
from api.app import create_app
from api.errors import answer_errors
from api.pages import CONTENT_SECURITY_POLICY
from api.shop.catalogue import PRODUCTS, Product
from api.shop.rendering import front_page, product_page
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.models import Models
from schemas.profile import Profile
from streams.fold.fold import fold
from streams.models.transitions import CountedTransitions
from streams.playbook.matching import match_event
from tests.harness.histories import event

VISITOR = "demo-0d2a7a3e-58f1-4f3e-9a58-2a6f1d1c9b10"
BOOK = read_playbook(SHIPPED_PLAYBOOK)


class Profiles:
    """Profiles in memory, read as those in Redis are."""

    def __init__(self, *profiles: Profile) -> None:
        self._profiles = {profile.key: profile for profile in profiles}

    async def read(self, key: str) -> Profile | None:
        return self._profiles.get(key)


def serve(*profiles: Profile, demo: bool = True) -> httpx.AsyncClient:
    app = FastAPI()
    answer_errors(app)
    app.include_router(home.router)
    app.include_router(shop.router)
    app.state.parts = SimpleNamespace(
        settings=Settings(demo=demo, write_keys={'k"ey': "shop"}, api_token="secret"),
        playbook=BOOK,
        profiles=Profiles(*profiles),
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://daehwa")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with serve() as found:
        yield found


def visitor() -> Profile:
    seen = event("m1", "page", anonymous_id=VISITOR, properties={"path": "/demo/products/shoes"})
    outcome = fold(None, VISITOR, seen, BOOK, Models(CountedTransitions()))
    return outcome.profile  # type: ignore[union-attr]


PAGES = ["/", "/demo", "/demo/products/shoes", "/demo/products/shoes/details",
         "/demo/products/shoes/purchase"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_lets_nothing_foreign_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "://" not in answer.text, "no address of anybody else"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", answer.text)
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_everything_a_page_names_is_there(client: httpx.AsyncClient, path: str) -> None:
    todo, done = [path], set()
    while todo:
        one = todo.pop()
        done.add(one)
        answer = await client.get(one)
        assert answer.status_code == 200, one
        named = re.findall(
            r"""(?:src=|from |href=|import )"(/(?:demo/)?assets/[^"]+)""", answer.text
        )
        todo += [other for other in named if other not in done]
    assert any(one.endswith(".js") for one in done)


async def test_no_file_but_the_assets_is_served(client: httpx.AsyncClient) -> None:
    for path in ("/assets/home.html", "/assets/__init__.py", "/assets/..%2fhome.py",
                 "/demo/assets/frame.html", "/assets/nothing.css"):  # fmt: skip
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["code"] == "not_found"


async def test_every_field_of_a_form_has_a_label(client: httpx.AsyncClient) -> None:
    for path in PAGES:
        page = (await client.get(path)).text
        labelled = set(re.findall(r'<label[^>]*for="([^"]+)"', page))
        wrapped = "".join(re.findall(r"<label.*?</label>", page, re.S))
        for name in re.findall(r'<(?:input|select)[^>]*\bid="([^"]+)"', page):
            assert name in labelled or f'id="{name}"' in wrapped, (path, name)
        assert 'aria-live="polite"' in page


async def test_the_shop_is_closed_without_the_demo_setting() -> None:
    async with serve(visitor(), demo=False) as client:
        for path in (
            "/demo",
            "/demo/products/shoes",
            f"/demo/me/{VISITOR}",
            "/demo/assets/shop.js",
        ):
            assert (await client.get(path)).status_code == 404
        assert 'data-demo="no"' in (await client.get("/")).text


async def test_a_visitor_sees_their_own_dialogues_and_nobody_elses() -> None:
    customer = Profile(key="c-1042")
    async with serve(visitor(), customer) as client:
        mine = (await client.get(f"/demo/me/{VISITOR}")).json()
        assert mine["dialogues"]["product/shoes"]["stage"] == "introduction"
        assert mine["events"] == 1
        assert set(mine) == {"customer_id", "events", "dialogues"}
        assert (await client.get("/demo/me/c-1042")).status_code == 404
        new = (await client.get(f"/demo/me/{VISITOR[:-1]}f")).json()
        assert new == {"customer_id": None, "events": 0, "dialogues": {}}


def test_what_the_shop_shows_is_escaped() -> None:
    odd = Product(
        name="x", title="<b>$odd</b>", price=5, claim='"&"', introduction="<script>",
        facts=(("<dt>", "</dl>"),),
    )  # fmt: skip
    page = product_page(odd, "details", 'k"ey')
    assert "&lt;b&gt;$odd&lt;/b&gt;" in page
    assert 'data-write-key="k&#34;ey"' in page
    assert "<dt>&lt;dt&gt;</dt><dd>&lt;/dl&gt;</dd>" in page
    assert "€ 0.05" in page
    assert "No write key" in front_page("")


@pytest.mark.parametrize("product", PRODUCTS)
def test_pages_and_orders_of_a_product_are_one_dialogue(product: str) -> None:
    path = f"/demo/products/{product}"
    item = {"category": product, "product_id": product}
    happened = [
        event("1", "page", properties={"path": path}),
        event("2", "page", properties={"path": f"{path}/details"}),
        event("3", name="Product Added", properties=item),
        event("4", name="Checkout Started", properties={"products": [item]}),
        event("5", "page", properties={"path": f"{path}/purchase"}),
        event("6", name="Order Completed", properties={"products": [item], "total": 10}),
    ]
    found = [match_event(one, BOOK.dispatch).matches for one in happened]
    assert [[(match.topic, match.stage) for match in matches] for matches in found] == [
        [(f"product/{product}", stage)]
        for stage in ("introduction", "details", "cart", "checkout", "purchase", "purchase")
    ]


async def test_the_form_to_try_the_routes_comes_from_here_and_the_routes_without_it() -> None:
    app = create_app(Settings(), BOOK)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/docs")
        named = re.findall(r'(?:src|href)="(/docs/[^"]+)"', answer.text)
        assert len(named) == 3
        for path in named:
            assert (await client.get(path)).status_code == 200, path
        assert (await client.get("/docs/assets/redoc.standalone.js")).status_code == 404
        assert (await client.get("/redoc")).status_code == 404
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert "//" not in answer.text, "nothing of another origin"
    assert answer.headers["content-type"].startswith("text/html")
    assert "<code>GET /v1/customers/{customer_id}</code>" in answer.text
    assert "<code>POST /v1/batch</code>" in answer.text
