"""Sends simulated events through the collector as a tracking SDK does, without loss."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import httpx
import msgspec

from infra.backoff import backoff
from infra.clock import now_ms
from infra.demo.moments import iso

MAX_ITEMS = 100
"""Items of one batch."""
_FIRST_WAIT_S = 0.5
_MAX_WAIT_S = 10.0
_TIMEOUT = httpx.Timeout(15, connect=5)


class RefusedError(Exception):
    """A permanent refusal."""


class Sender:
    """Sends batches to the HTTP API. Items keep their message ids over all attempts: one whose
    answer was lost counts once."""

    def __init__(self, url: str, write_key: str, token: str) -> None:
        self.accepted = 0
        """Items and contacts that were answered with 200."""
        self.attempts = 0
        self._http = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT)
        self._write_access = "Basic " + b64encode(f"{write_key}:".encode()).decode()
        self._token_access = f"Bearer {token}"

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def send(self, items: Sequence[dict[str, Any]]) -> None:
        """Returns once the collector has accepted all items, however long it is unavailable.
        Raises `RefusedError` on a permanent refusal."""
        for batch in _batches(items):
            await self._persist("/v1/batch", self._write_access, partial(_sent_now, batch))
            self.accepted += len(batch)

    async def send_contacts(self, contacts: Sequence[dict[str, Any]]) -> None:
        """The same for contacts. RefusedError where one of them is wrong."""
        for batch in _batches(contacts):
            answer = await self._persist(
                "/v1/contact/batch", self._token_access, partial(list, batch)
            )
            refused = answer.json()["refused"]
            if refused:
                raise RefusedError(f"/v1/contact/batch: {refused[0]['message']}")
            self.accepted += len(batch)

    async def _persist(self, path: str, access: str, body: Callable[[], object]) -> httpx.Response:
        delays = backoff(_FIRST_WAIT_S, _MAX_WAIT_S)
        while True:
            self.attempts += 1
            asked = None
            try:
                answer = await self._http.post(
                    path,
                    content=msgspec.json.encode(body()),
                    headers={"Authorization": access, "Content-Type": "application/json"},
                )
            except httpx.TransportError:
                pass
            else:
                if answer.status_code == 200:
                    return answer
                if answer.status_code != 429 and answer.status_code < 500:
                    raise RefusedError(f"{path}: {answer.status_code} {answer.text[:300]}")
                asked = answer.headers.get("retry-after")
            delay = next(delays)
            await asyncio.sleep(max(delay, float(asked)) if asked and asked.isdigit() else delay)


def _sent_now(batch: Sequence[dict[str, Any]]) -> dict[str, object]:
    # sentAt corrects the sender's clock: every attempt has its own.
    return {"batch": batch, "sentAt": iso(now_ms())}


def _batches(items: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(items), MAX_ITEMS):
        yield items[start : start + MAX_ITEMS]
