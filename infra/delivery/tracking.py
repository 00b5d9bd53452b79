"""Signed links in mails: a forged link cannot unsubscribe or redirect anybody."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Literal

import msgspec

LinkKind = Literal["open", "click", "unsubscribe"]

_SIGNATURE = 16
"""Bytes of the signature: 128 bits."""

_MAX_LENGTH = 4_000


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Content of a link: the mail's customer and trigger, and the target of a click."""

    kind: LinkKind
    trigger_id: str
    customer_id: str
    channel: str
    url: str = ""


class LinkSigner:
    """Signs and reads links. The first secret signs, all are accepted."""

    def __init__(self, public_url: str, secrets: Sequence[str]) -> None:
        self._public_url = public_url.rstrip("/")
        self._keys = [sha256(b"daehwa mail link" + secret.encode()).digest() for secret in secrets]

    def url(self, link: Link) -> str:
        """The link as it is written in a mail."""
        payload = msgspec.msgpack.encode(link)
        token = hmac_digest(self._keys[0], payload, "sha256")[:_SIGNATURE] + payload
        text = urlsafe_b64encode(token).rstrip(b"=").decode()
        return f"{self._public_url}/mail/{link.kind}/{text}"

    def read(self, kind: LinkKind, token: str) -> Link | None:
        """The link in the token; None for an invalid signature or another kind of link."""
        if len(token) > _MAX_LENGTH:
            return None
        try:
            given = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError:
            return None
        signature, payload = given[:_SIGNATURE], given[_SIGNATURE:]
        expected = [hmac_digest(key, payload, "sha256")[:_SIGNATURE] for key in self._keys]
        if not any(compare_digest(signature, one) for one in expected):
            return None
        try:
            link = msgspec.msgpack.decode(payload, type=Link)
        except msgspec.DecodeError:
            return None
        return link if link.kind == kind else None
