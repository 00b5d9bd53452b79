"""Verification of webhook signatures, by the schemes of their senders."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from standardwebhooks.webhooks import (
    EmptyWebhookSecretError,
    Webhook,
    WebhookVerificationError,
)

from schemas.mapping import Signature


def is_authentic(
    signature: Signature, secret: str, urls: Sequence[str], headers: Mapping[str, str], body: bytes
) -> bool:
    """Whether the request has a valid signature. `headers` by lower-case names; `urls` are the
    possible public URLs of the route. Raises `ValueError` for a secret of another scheme. Only
    standard-webhooks has a time limit, 5 minutes: a replayed request counts once anyway.
    """
    if signature.scheme == "twilio":
        given = headers.get("x-twilio-signature", "")
        return any(_same(_twilio(secret, url, body), given) for url in urls)
    if signature.scheme == "sendgrid":
        return _sendgrid(secret, headers, body)
    if signature.scheme == "zendesk":
        at = headers.get("x-zendesk-webhook-signature-timestamp", "").encode()
        digest = hmac.digest(secret.encode(), at + body, hashlib.sha256)
        return _same(b64encode(digest).decode(), headers.get("x-zendesk-webhook-signature", ""))
    if signature.scheme == "standard-webhooks":
        return _standard(secret, headers, body)
    given = headers.get((signature.header or "").lower(), "")
    digest = hmac.digest(secret.encode(), body, hashlib.sha256)
    return any(
        _same(signature.prefix + written, given)
        for written in (digest.hex(), b64encode(digest).decode())
    )


def _twilio(secret: str, url: str, body: bytes) -> str:
    """HMAC-SHA1 over the URL and the form's names and values, sorted by name (twilio.com/docs:
    Webhooks security)."""
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha1)
    return b64encode(digest).decode()


def _sendgrid(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """ECDSA over the timestamp and the body, with the public key of the account (twilio.com/docs:
    Event Webhook security features)."""
    key = load_der_public_key(b64decode(secret))
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("the verification key is no elliptic curve key")
    at = headers.get("x-twilio-email-event-webhook-timestamp", "").encode()
    try:
        given = b64decode(headers.get("x-twilio-email-event-webhook-signature", ""))
        key.verify(given, at + body, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _standard(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        webhook = Webhook(secret)
    except EmptyWebhookSecretError:
        raise ValueError("it is empty") from None
    try:
        webhook.verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))
