"""Ids of customers in paths: whatever an id contains, no text of it is taken for a route.

`/v1/customers/t7v%2Fexport` names the customer `t7v/export`; frameworks see the decoded path, in
which it is the export of `t7v`. What a router would misread is escaped before it looks.
"""

from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = "/v1/customers/"
_RAW_PREFIX = _PREFIX.encode()
_MARK = "\ue02f"
_ESCAPES = {_MARK: _MARK + "0", "/": _MARK + "1", "\n": _MARK + "2", "\r": _MARK + "3"}
_PLAIN = {escaped[1]: plain for plain, escaped in _ESCAPES.items()}


class CustomerIds:
    """Middleware that escapes the id in the path of a customer's routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] == "http" and scope["path"].startswith(_PREFIX):
            raw = scope.get("raw_path") or b""
            if raw.startswith(_RAW_PREFIX):
                scope = {**scope, "path": _escaped(raw, scope["path"])}
        await self._app(scope, receive, send)


def plain_id(customer_id: str) -> str:
    """The id that a route's parameter stands for."""
    if _MARK not in customer_id:
        return customer_id
    first, *pieces = customer_id.split(_MARK)
    return first + "".join(_PLAIN.get(piece[:1], "") + piece[1:] for piece in pieces)


def _escaped(raw: bytes, path: str) -> str:
    first, *rest = raw[len(_RAW_PREFIX) :].partition(b"?")[0].split(b"/")
    given = unquote_to_bytes(first).decode("utf-8", "surrogateescape")
    if not any(one in given for one in _ESCAPES):
        return path
    escaped = "".join(_ESCAPES.get(one, one) for one in given)
    beyond = unquote_to_bytes(b"/".join(rest)).decode("utf-8", "surrogateescape")
    return _PREFIX + escaped + (f"/{beyond}" if rest else "")
