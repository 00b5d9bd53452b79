"""One signed webhook delivery: Standard Webhooks 1.0.0."""

import ipaddress
import socket
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx
import msgspec
from standardwebhooks import Webhook

from infra.settings import Settings
from schemas.trigger import Trigger

TIMEOUT = 15.0
"""Seconds the receiver may take."""

LONGEST_WAIT = 86_400.0
"""Seconds a receiver may ask to wait; it asks for more in vain."""

Verdict = Literal["delivered", "again", "refused", "gone"]
"""`again`: try later; `refused`: this one never; `gone`: the endpoint wants no more (410)."""


class Delivery(msgspec.Struct, frozen=True):
    """What came of an attempt."""

    verdict: Verdict
    detail: str
    retry_after: float = 0.0
    """Seconds the receiver asked to wait."""


class PrivateAddressError(Exception):
    """The endpoint is a private or loopback address, and the settings do not allow that."""


class WebhookSender:
    """Delivers triggers to the configured endpoint. Its id is the same on every retry."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.webhook_url
        self._allow_private = settings.webhook_private
        self._signer = Webhook(settings.webhook_secret.get_secret_value())
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def deliver(self, trigger: Trigger, now: datetime) -> Delivery:
        """One attempt at `now` (UTC). Never raises for what the receiver does."""
        body = msgspec.json.encode(
            {
                "type": trigger.type,
                "timestamp": now.astimezone(UTC).isoformat(),
                "data": trigger,
            }
        )
        headers = {
            "content-type": "application/json",
            "webhook-id": trigger.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(trigger.id, now, body.decode()),
        }
        try:
            if not self._allow_private:
                refuse_private(self._url)
            answer = await self._client.post(self._url, content=body, headers=headers)
        except PrivateAddressError as problem:
            return Delivery("refused", str(problem))
        except (httpx.HTTPError, OSError) as problem:
            return Delivery("again", repr(problem)[:200])
        return _judge(answer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def refuse_private(url: str) -> None:
    """`PrivateAddressError` where the host is, or resolves to, an address that is not public."""
    host = urlsplit(url).hostname or ""
    for found in socket.getaddrinfo(host, None):
        address = ipaddress.ip_address(str(found[4][0]).partition("%")[0])
        if not address.is_global or address.is_multicast:
            raise PrivateAddressError(
                f"{host} is the private address {address}; DAEHWA_WEBHOOK_PRIVATE=true allows it"
            )


def _judge(answer: httpx.Response) -> Delivery:
    status = answer.status_code
    detail = f"the endpoint answered {status}"
    if answer.is_success:
        return Delivery("delivered", detail)
    if status == httpx.codes.GONE:
        return Delivery("gone", detail)
    wait = answer.headers.get("retry-after", "")
    # isdigit() also takes digits such as ², which are no number.
    return Delivery("again", detail, min(float(wait), LONGEST_WAIT) if wait.isdecimal() else 0.0)
