"""Keyed hash (HMAC) of a value: equal values stay comparable, and the value cannot be read."""

from hashlib import sha256
from hmac import new
from typing import Any

import msgspec

from streams.identity.aliases import email_alias

PREFIX = "hmac:"
HEX = 32
"""Hexadecimal digits kept: 128 bits."""


def hashed_value(value: Any, key: bytes) -> Any:
    """`hmac:` and the hash of the value; case of e-mail addresses is ignored. None stays None: it
    deletes a trait."""
    if value is None:
        return None
    if isinstance(value, str):
        alias = email_alias(value)
        text = alias.value if alias is not None else value.strip()
    else:
        text = msgspec.json.encode(value, order="deterministic").decode()
    digest = new(key, text.encode("utf-8", "surrogatepass"), sha256).hexdigest()
    return PREFIX + digest[:HEX]
