"""Amazon SNS: whether a message is signed by it, and its subscription.

The certificate is fetched from the address in the message, which must be one of Amazon's (Amazon
SNS Developer Guide, "Verifying the signatures of Amazon SNS messages").
"""

import re
from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import httpx
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

SECONDS = 5.0
"""Time that a certificate, or a confirmation, may take."""

LARGEST = 32 * 1024
"""Bytes of a certificate."""

_HOST = r"https://sns\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/"
_CERTIFICATE = re.compile(_HOST + r"[A-Za-z0-9._/-]+\.pem")
_SUBSCRIBE = re.compile(_HOST + r"\?Action=ConfirmSubscription&.+")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_HASHES: dict[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - SNS's version 1


def fetch(url: str) -> bytes:
    """The certificate at an address of Amazon's. Raises `httpx.HTTPError`."""
    return _fetched(url)


@lru_cache(maxsize=8)
def _fetched(url: str) -> bytes:
    found = b""
    with httpx.stream("GET", url, timeout=SECONDS, follow_redirects=False) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            found += piece
            if len(found) > LARGEST:
                raise httpx.HTTPError(f"a certificate has at most {LARGEST} bytes")
    return found


def is_from_sns(topic: str, body: bytes, certificate: Callable[[str], bytes] = fetch) -> bool:
    """Whether the body is a message of SNS on this topic (an ARN), signed by it."""
    said = _read(body)
    names = _SIGNED.get(str(said.get("Type")))
    hashed = _HASHES.get(str(said.get("SignatureVersion")))
    url = said.get("SigningCertURL")
    if names is None or hashed is None or said.get("TopicArn") != topic:
        return False
    if not isinstance(url, str) or _CERTIFICATE.fullmatch(url) is None:
        return False
    text = "".join(f"{name}\n{said[name]}\n" for name in names if said.get(name) is not None)
    try:
        key = load_pem_x509_certificate(certificate(url)).public_key()
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(b64decode(str(said.get("Signature"))), text.encode(), PKCS1v15(), hashed)
    except (InvalidSignature, ValueError, httpx.HTTPError):
        return False
    return True


def confirmation_url(body: bytes) -> str | None:
    """Where a subscription is confirmed; None for any other message."""
    said = _read(body)
    url = said.get("SubscribeURL")
    if said.get("Type") != "SubscriptionConfirmation" or not isinstance(url, str):
        return None
    return url if _SUBSCRIBE.fullmatch(url) else None


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
