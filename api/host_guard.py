"""Middleware: allowed hosts, and `nosniff` on every answer."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import error_response

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_NOSNIFF = (b"x-content-type-options", b"nosniff")


def allowed_hosts(requested: Sequence[str], listens_on: str) -> tuple[str, ...]:
    """Allowed hosts: those of the setting; by default on loopback only its names (against DNS
    rebinding), else every host."""
    if requested:
        return tuple(name.lower() for name in requested)
    return LOOPBACK if listens_on in ("127.0.0.1", "localhost", "::1") else ("*",)


class HostGuard:
    """ASGI middleware: refuses foreign hosts, and adds `nosniff` to every answer."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_nosniff(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name.lower() == _NOSNIFF[0] for name, _ in headers):
                    message = {**message, "headers": [*headers, _NOSNIFF]}
            await send(message)

        if not self._answers(scope):
            refusal = error_response(421, "unknown_host", "the API does not answer to this host")
            await refusal(scope, receive, send_nosniff)
            return
        await self._app(scope, receive, send_nosniff)

    def _answers(self, scope: Scope) -> bool:
        if "*" in self._hosts:
            return True
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        text = host.decode("latin-1").lower()
        name, colon, port = text.rpartition(":")
        return (name if colon and port.isdecimal() else text) in self._hosts
