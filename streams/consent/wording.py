"""Wording of consent: which values grant, which refuse, and names in one form.

Consent fails closed: a value that is not a known yes is a no. One that is neither is reported by
`streams.quality.findings` as `unclear_consent`.
"""

import re
from functools import lru_cache
from typing import Any
from unicodedata import normalize

_SEPARATORS = re.compile(r"(?<=\w)[\s_\-./']+(?=\w)")
_ALIASES = {"email": "email", "telephone": "call", "phone": "call"}
"""Other spellings of channels, in the form of `_plain`."""

_LONGEST = 200
"""Characters of a value that are read."""

GRANTS = frozenset(
    {
        "true", "t", "yes", "y", "1", "on", "ok", "granted", "grant", "given", "allowed", "allow",
        "accepted", "accept", "agreed", "agree", "subscribed", "subscribe", "optin", "optedin",
        "confirmed", "doubleoptin", "enabled", "active", "permitted", "consented",
        "예", "네", "동의", "동의함", "수신", "수신동의", "허용",
    }
)  # fmt: skip
"""Values that grant, in the form of `_plain`."""

REFUSES = frozenset(
    {
        "false", "f", "no", "n", "0", "off", "denied", "deny", "refused", "refuse", "rejected",
        "reject", "revoked", "revoke", "withdrawn", "withdraw", "declined", "decline", "blocked",
        "unsubscribed", "unsubscribe", "optout", "optedout", "disabled", "inactive", "forbidden",
        "disagree", "disagreed", "none", "never", "null", "nil", "donotcontact", "dnc", "stop",
        "아니오", "아니요", "거부", "거부함", "거절", "수신거부", "미동의", "비동의", "동의안함",
        "철회", "차단",
    }
)  # fmt: skip
"""Values that refuse, in the form of `_plain`."""


def granted(value: Any) -> bool | None:
    """True for a yes, False for a no, None for a value that is neither."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    if not isinstance(value, str):
        return None
    try:
        return granted(float(value[:_LONGEST]))
    except ValueError:
        word = _plain(value[:_LONGEST].strip())
    if word in GRANTS:
        return True
    return False if word in REFUSES else None


def is_absent(value: Any) -> bool:
    """Whether the value states nothing: an empty text, list or object, as senders write for a field
    that was left blank."""
    return value in ("", [], {}) or (isinstance(value, str) and value.isspace())


@lru_cache(maxsize=1024)
def statement_name(text: str) -> str:
    """Name of a channel or purpose in one form: NFKC, lower case, trimmed; `E-Mail` is `email`."""
    name = normalize("NFKC", text).casefold().strip()
    return _ALIASES.get(_plain(name), name)


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    return _SEPARATORS.sub("", normalize("NFKC", text).casefold()).replace("_", "")
