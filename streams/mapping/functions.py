"""Functions of mapping expressions, besides those of CEL. `null` in, `null` out, so that an absent
field is left out.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import Any

from streams.identity.aliases import email_alias, phone_alias
from streams.tracking.times import parse_time as iso_time

Function = Callable[..., Any]


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{value!r} is no text")


def lower(value: Any) -> str:
    """The text in lower case."""
    return _text(value).lower()


def upper(value: Any) -> str:
    """The text in upper case."""
    return _text(value).upper()


def trim(value: Any) -> str:
    """The text without blanks around it."""
    return _text(value).strip()


def digits(value: Any) -> str:
    """Only the digits of the text."""
    return "".join(one for one in _text(value) if one.isdecimal())


def number(value: Any) -> float | None:
    """The number in a text such as `1,234.50` or `12,000원`; null where it is empty."""
    text = _text(value)
    kept = "".join(one for one in text if one.isdecimal() or one in "+-.eE")
    if not text.strip():
        return None
    try:
        found = float(kept)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None
    if not abs(found) < 1e300:
        raise ValueError(f"{text!r} is no number")
    return int(found) if found.is_integer() else found


def replace(value: Any, old: str, new: str) -> str:
    """The text with every `old` made `new`."""
    return _text(value).replace(_text(old), _text(new))


def split(value: Any, separator: str) -> list[str]:
    """The parts of the text."""
    return _text(value).split(_text(separator))


def slug(value: Any) -> str:
    """The text as a part of a topic or a code: small letters, what is between words a hyphen."""
    kept = "".join(one if one.isalnum() else " " for one in _text(value).lower())
    return "-".join(kept.split())


def hashed(value: Any) -> str:
    """SHA-256 of the text, hexadecimal: a pseudonym."""
    return sha256(_text(value).encode("utf-8", "surrogatepass")).hexdigest()


def email(value: Any) -> str | None:
    """The e-mail address, trimmed and in small letters; null where it is none."""
    alias = email_alias(_text(value))
    return alias.value if alias is not None else None


def functions(region: str, zone: str, zones: Mapping[str, tzinfo]) -> dict[str, Function]:
    """Name -> function; `region` and `zone` are the defaults of calls that name none."""

    def e164(value: Any, of: str = region) -> str | None:
        """The telephone number as +8223123456; null where it is none."""
        alias = phone_alias(_text(value), of or region)
        return alias.value if alias is not None else None

    def parse_time(value: Any, pattern: str = "", where: str = zone) -> int | None:
        """Milliseconds since 1970 of ISO 8601, or of seconds or milliseconds, or by a pattern of
        strptime; in the zone where the text names none."""
        if value == "":
            return None
        if isinstance(value, bool):
            raise ValueError(f"{value!r} is no time")
        rules = zones.get(where)
        if rules is None:
            raise ValueError(f"no time zone is called {where!r}")
        if isinstance(value, datetime):
            moment = value
        elif pattern:
            moment = datetime.strptime(_text(value), pattern)
        elif isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            moment = datetime.fromisoformat(value.strip())
        else:
            return iso_time(float(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=rules)
        return int(moment.timestamp() * 1000)

    return {
        "e164": e164, "parse_time": parse_time, "lower": lower, "upper": upper, "trim": trim,
        "digits": digits, "number": number, "replace": replace, "split": split, "slug": slug,
        "sha256": hashed, "email": email,
    }  # fmt: skip


NAMES = tuple(functions("", "UTC", {}))
"""The functions' names."""
