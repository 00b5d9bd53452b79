"""Follows the triggers over HTTP, across restarts of the API."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import msgspec

RECONNECT_S = 1.0
_TIMEOUT = httpx.Timeout(10, read=60)


async def follow_triggers(url: str, token: str) -> AsyncGenerator[dict[str, Any], None]:
    """Every trigger from now on, endless: after an interruption it resumes. Raises
    httpx.HTTPStatusError for a refused token. Server-sent events: `id:` and `data:` lines, a blank
    line ends a message.
    """
    last = None
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT) as client:
        while True:
            headers = {"Authorization": f"Bearer {token}"}
            if last is not None:
                headers["Last-Event-ID"] = last
            try:
                async with client.stream("GET", "/v1/triggers/stream", headers=headers) as answer:
                    if 400 <= answer.status_code < 500:
                        answer.raise_for_status()
                    if answer.status_code == 200:
                        async for line in answer.aiter_lines():
                            if line.startswith("data:"):
                                trigger = msgspec.json.decode(line[5:], type=dict[str, Any])
                                last = trigger["id"]
                                yield trigger
            except httpx.TransportError:
                pass
            await asyncio.sleep(RECONNECT_S)
