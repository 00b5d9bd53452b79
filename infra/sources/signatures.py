"""Verification of webhook signatures, by the schemes of their senders."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from standardwebhooks.webhooks import (
    EmptyWebhookSecretError,
    Webhook,
    WebhookVerificationError,
)

from infra.sources.sns import is_from_sns
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
    if signature.scheme in _OWN_CHECKS:
        return _OWN_CHECKS[signature.scheme](secret, headers, body)
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


def _mailgun(secret: str, _: Mapping[str, str], body: bytes) -> bool:
    """HMAC-SHA256 over timestamp and token, all three in the body (documentation.mailgun.com:
    Securing webhooks)."""
    try:
        said = msgspec.json.decode(body, type=_MailgunBody).signature
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    digest = hmac.digest(secret.encode(), (said.timestamp + said.token).encode(), hashlib.sha256)
    return _same(digest.hex(), said.signature)


def _basic(secret: str, headers: Mapping[str, str], _: bytes) -> bool:
    """User and password of the webhook's address (RFC 7617)."""
    wanted = "Basic " + b64encode(secret.encode()).decode()
    return _same(wanted, headers.get("authorization", ""))


def _sns(secret: str, _: Mapping[str, str], body: bytes) -> bool:
    return is_from_sns(secret, body)


_OWN_CHECKS: dict[str, Callable[[str, Mapping[str, str], bytes], bool]] = {
    "standard-webhooks": _standard,
    "mailgun": _mailgun,
    "basic": _basic,
    "sns": _sns,
}


class _MailgunSignature(msgspec.Struct):
    timestamp: str
    token: str
    signature: str


class _MailgunBody(msgspec.Struct):
    signature: _MailgunSignature


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "replace"))
