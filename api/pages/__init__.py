"""The pages that ship: HTML, CSS and JavaScript of ours, served from the package, no build step."""

from functools import lru_cache
from importlib.resources import files

from fastapi import Response

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
    """A page, with the headers that keep everything foreign out of it."""
    return Response(text, media_type="text/html", headers=PAGE_HEADERS)


def asset_response(package: str, name: str) -> Response | None:
    """A style sheet or script that ships in `package`; None where there is none of that name."""
    suffix = name[name.rfind(".") :]
    if suffix not in _MEDIA or suffix == ".html" or name not in _names(package):
        return None
    return Response(read_text(package, name), media_type=_MEDIA[suffix], headers=PAGE_HEADERS)


@lru_cache(maxsize=64)
def read_text(package: str, name: str) -> str:
    """A file that ships in `package`; FileNotFoundError where there is none."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=8)
def _names(package: str) -> frozenset[str]:
    return frozenset(entry.name for entry in files(package).iterdir() if entry.is_file())
