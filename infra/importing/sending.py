"""Sends batches over HTTP, with retries."""

import asyncio
from collections.abc import Callable, Sequence

import httpx

from infra.backoff import backoff
from infra.importing.batches import Batch, Rejected
from streams.mapping.mapping_items import Mapped

FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})

Waiting = Callable[[str, float], None]


class SendError(Exception):
    """A permanent refusal of the API; the text says why."""


class Sender:
    """Posts batches. A repeated batch counts once: its message ids are the same."""

    def __init__(
        self, client: httpx.AsyncClient, write_key: str, token: str, waiting: Waiting
    ) -> None:
        """`waiting` is called with the reason and the seconds of each wait."""
        self._client = client
        self._write_key = write_key
        self._token = token
        self._waiting = waiting

    async def send(self, batch: Batch) -> list[Rejected]:
        """Returns the refused items once Kafka has the batch. Raises `SendError`. Waits while the
        API is unavailable, overloaded or without Kafka.
        """
        if batch.tracked:
            body = b'{"batch":' + _listed(batch.tracked) + b"}"
            await self._post("/v1/import", body, {"X-Write-Key": self._write_key})
        if not batch.contacts:
            return []
        bearer = {"Authorization": f"Bearer {self._token}"}
        answer = await self._post("/v1/contact/batch", _listed(batch.contacts), bearer)
        refused = []
        for one in answer.json()["refused"]:
            record = batch.origins[one["index"]]
            refused.append(Rejected(record.line, one["message"], record.raw))
        return refused

    async def _post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        delays = backoff(FIRST_PAUSE_S, MAX_PAUSE_S)
        while True:
            asked = 0.0
            try:
                answer = await self._client.post(path, content=body, headers=headers)
            except httpx.TransportError as problem:
                said = str(problem) or type(problem).__name__
                why = f"no answer from {self._client.base_url} ({said})"
            else:
                if answer.status_code == 200:
                    return answer
                why = f"{answer.status_code} {_message(answer)}"
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    name = "WRITE_KEY" if "X-Write-Key" in headers else "API_TOKEN"
                    raise SendError(f"{self._client.base_url} does not know your DAEHWA_{name}")
                if answer.status_code not in _AGAIN:
                    raise SendError(f"{path}: {why}")
                after = answer.headers.get("retry-after", "")
                asked = float(after) if after.isdecimal() else 0.0
            chosen = max(asked, next(delays))
            self._waiting(why, chosen)
            await asyncio.sleep(chosen)


def _listed(events: Sequence[Mapped]) -> bytes:
    return b"[" + b",".join(one.body for one in events) + b"]"


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
