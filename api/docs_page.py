"""`/docs`: the routes with a form to try them; without the internet, the routes."""

from html import escape

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PLACE = '<div id="swagger-ui">'


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Swagger UI, which browsers fetch from cdn.jsdelivr.net, puts itself in the list's place."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json", title="Daehwa API", swagger_favicon_url="/favicon.ico"
    )
    listed = "".join(
        f"<li><code>{method.upper()} {escape(path)}</code> {escape(route.get('summary', ''))}</li>"
        for path, methods in request.app.openapi()["paths"].items()
        for method, route in methods.items()
    )
    html = bytes(page.body).decode()
    assert _PLACE in html  # noqa: S101 - FastAPI's own page
    html = html.replace(
        _PLACE,
        f"{_PLACE}<h1>Daehwa API</h1><p>The form to try these comes from cdn.jsdelivr.net; as long "
        'as you read this, it has not. <a href="/openapi.json">openapi.json</a> has everything.'
        f"</p><ul>{listed}</ul>",
    )
    return HTMLResponse(html)
