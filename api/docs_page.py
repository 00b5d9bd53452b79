"""`/docs`: the routes with a form to try them. Swagger UI comes from an installed package: nothing
is fetched from elsewhere on the origin that holds the token."""

from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from api.errors import Refused
from api.pages import PAGE_HEADERS, html_response, read_text, render

router = APIRouter(include_in_schema=False)

# Swagger UI sets style attributes; scripts are files of this server.
_HEADERS = {
    **PAGE_HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}
_SHIPPED = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The page that Swagger UI fills with the routes."""
    routes = [
        (method.upper(), path, route.get("summary", ""))
        for path, methods in request.app.openapi()["paths"].items()
        for method, route in methods.items()
    ]
    page = html_response(render("api.pages", "docs.html", routes=routes))
    page.headers.update(_HEADERS)
    return page


@router.get("/docs/assets/{name}")
async def asset(name: str) -> Response:
    """A file of Swagger UI, or the script that starts it."""
    if name == "docs.js":
        return Response(read_text("api.pages", name), 200, _HEADERS, "text/javascript")
    if name not in _SHIPPED:
        raise Refused(404, "not_found", f"there is no asset {name!r}")
    return Response(_shipped(name), 200, _HEADERS, _SHIPPED[name])


@lru_cache(maxsize=len(_SHIPPED))
def _shipped(name: str) -> bytes:
    return files("fastapi_offline").joinpath("static", name).read_bytes()
