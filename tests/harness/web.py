"""Single HTTP requests to the stack's own ports.

Without TLS: `httpx.get` reads the machine's certificates at each call, which takes 40 ms.
"""

from typing import Any

import httpx


def plain_client(**options: Any) -> httpx.Client:
    """A client for plain HTTP."""
    return httpx.Client(verify=False, **options)  # noqa: S501


def plain_async_client(**options: Any) -> httpx.AsyncClient:
    """The same for asyncio."""
    return httpx.AsyncClient(verify=False, **options)  # noqa: S501


def get(url: str, **options: Any) -> httpx.Response:
    """GET, at most 10 s."""
    return request("GET", url, **options)


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """One request, at most 10 s."""
    with plain_client(timeout=10) as client:
        return client.request(method, url, **options)
