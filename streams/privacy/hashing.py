"""A keyed hash in the place of a value: who has the key can tell whether two are the same, nobody
can read what it was."""

from hashlib import sha256
from hmac import new
from typing import Any

import msgspec

from streams.identity.aliases import email_alias

PREFIX = "hmac:"
HEX = 32
"""Hexadecimal digits that are kept: 128 bits."""


def hashed_value(value: Any, key: bytes) -> Any:
    """`hmac:` and the hash of the value; e-mail addresses that differ in capitals only hash alike.
    None stays: it deletes a trait."""
    if value is None:
        return None
    if isinstance(value, str):
        alias = email_alias(value)
        text = alias.value if alias is not None else value.strip()
    else:
        text = msgspec.json.encode(value, order="deterministic").decode()
    digest = new(key, text.encode("utf-8", "surrogatepass"), sha256).hexdigest()
    return PREFIX + digest[:HEX]
