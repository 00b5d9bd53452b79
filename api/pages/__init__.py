"""The pages that ship: HTML, CSS and JavaScript of ours, served from the package, no build step."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import Response
from jinja2 import Environment, FunctionLoader, StrictUndefined

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_MEDIA = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def html_response(text: str) -> Response:
    """A page with a strict content security policy."""
    return Response(text, media_type="text/html", headers=PAGE_HEADERS)


def asset_response(package: str, name: str) -> Response | None:
    """A style sheet or script that ships in `package`; None where there is none of that name."""
    suffix = name[name.rfind(".") :]
    if suffix not in _MEDIA or suffix == ".html" or name not in _names(package):
        return None
    return Response(read_text(package, name), media_type=_MEDIA[suffix], headers=PAGE_HEADERS)


def render(package: str, name: str, **values: Any) -> str:
    """A rendered template of `package`; every value is escaped. A missing value is an error."""
    return _templates(package).get_template(name).render(values)


@lru_cache(maxsize=8)
def _templates(package: str) -> Environment:
    def load(name: str) -> str:
        return read_text(package, name)

    return Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


@lru_cache(maxsize=64)
def read_text(package: str, name: str) -> str:
    """A file that ships in `package`; FileNotFoundError where there is none."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=8)
def _names(package: str) -> frozenset[str]:
    return frozenset(entry.name for entry in files(package).iterdir() if entry.is_file())
