"""The demo shop at `/demo`, only where the settings enable it: a visitor sees their own dialogue
change with each click."""

import re
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Response

from api.customers import read_customer
from api.errors import Refused
from api.pages import asset_response, html_response
from api.parts import Parts, parts_of
from api.shop.catalogue import PRODUCTS
from api.shop.rendering import front_page, product_page
from streams.views.customer_view import dialogues_view

_VISITOR = re.compile(r"demo-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Pattern of anonymous ids of the tracker: no customer can be looked up by a guessed id."""

FromParts = Annotated[Parts, Depends(parts_of)]


def only_for_demos(parts: FromParts) -> None:
    """Refused: 404 where the demo shop is not served."""
    if not parts.settings.demo:
        raise Refused(404, "not_found", "the demo shop is closed; set DAEHWA_DEMO=1 to open it")


router = APIRouter(prefix="/demo", include_in_schema=False, dependencies=[Depends(only_for_demos)])


@router.get("")
async def front(parts: FromParts) -> Response:
    """All products."""
    return html_response(front_page(_write_key(parts)))


@router.get("/products/{name}")
async def introduction(name: str, parts: FromParts) -> Response:
    """The first page of a product: what it is."""
    return _product(name, "introduction", parts)


@router.get("/products/{name}/details")
async def details(name: str, parts: FromParts) -> Response:
    """The second page: what it is made of."""
    return _product(name, "details", parts)


@router.get("/products/{name}/purchase")
async def purchase(name: str, parts: FromParts) -> Response:
    """The third page: where it is bought."""
    return _product(name, "purchase", parts)


@router.get("/me/{anonymous_id}")
async def me(anonymous_id: str, parts: FromParts) -> Response:
    """The visitor's own dialogues, for the panel beside the shop. It asks for no token, because a
    public visitor must not hold one: for demonstrations only, and nothing but dialogues."""
    if _VISITOR.fullmatch(anonymous_id) is None:
        raise Refused(404, "visitor_not_found", "this is no id of a visitor of the demo shop")
    found: dict[str, Any] = {"customer_id": None, "events": 0, "dialogues": {}}
    try:
        profile = await read_customer(parts, anonymous_id)
    except Refused as problem:
        # Before the first click is folded there is nothing to show, and no error.
        if problem.code != "customer_not_found":
            raise
    else:
        found = {
            "customer_id": profile.key,
            "events": profile.lifecycle.events,
            "dialogues": dialogues_view(profile, parts.playbook),
        }
    return Response(
        msgspec.json.encode(found),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.get("/assets/{name}")
async def asset(name: str) -> Response:
    """A style sheet or script of the shop."""
    found = asset_response("api.shop.pages", name)
    if found is None:
        raise Refused(404, "not_found", f"there is no asset {name!r}")
    return found


def _product(name: str, stage: str, parts: Parts) -> Response:
    product = PRODUCTS.get(name)
    if product is None:
        raise Refused(404, "not_found", f"the demo shop sells no {name!r}")
    return html_response(product_page(product, stage, _write_key(parts)))


def _write_key(parts: Parts) -> str:
    return next(iter(parts.settings.write_keys), "")
