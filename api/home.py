"""The first page: live triggers and customer look-up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.errors import Refused
from api.pages import asset_response, html_response, render
from api.parts import Parts, parts_of
from streams.triggers.registry import KINDS

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(parts: Annotated[Parts, Depends(parts_of)]) -> Response:
    """The page holds no data; its script asks for the API token and reads with it."""
    demo = "yes" if parts.settings.demo else "no"
    return html_response(render("api.pages", "home.html", demo=demo, kinds=KINDS.values()))


@router.get("/assets/{name}")
async def asset(name: str) -> Response:
    """A style sheet or script of the page."""
    found = asset_response("api.pages", name)
    if found is None:
        raise Refused(404, "not_found", f"there is no asset {name!r}")
    return found


@router.get("/favicon.ico")
async def no_icon() -> Response:
    """Browsers request it whether or not a page names it."""
    return Response(status_code=204)
