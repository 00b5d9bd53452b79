"""Functions of mapping expressions, besides those of CEL. `null` in, `null` out, so that an absent
field is left out.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import Any

import msgspec

from streams.identity.aliases import email_alias, phone_alias
from streams.identity.callers import is_withheld
from streams.values.instants import (
    by_pattern,
    milliseconds,
    parse_instant,
    plausible,
    spreadsheet_time,
)
from streams.values.numbers import parse_number

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


def json(value: Any) -> Any:
    """What a text with JSON in it says."""
    return msgspec.json.decode(_text(value))


def withheld(value: Any) -> bool:
    """Whether a caller's address says that there is no number, such as `anonymous`."""
    return is_withheld(_text(value))


def functions(
    region: str,
    zone: str,
    zones: Mapping[str, tzinfo],
    decimal: str = "",
    our_numbers: Collection[str] = (),
) -> dict[str, Function]:
    """Name -> function; `region`, `zone` and `decimal` (the decimal mark) are the defaults of calls
    that name none. `our_numbers` are in E.164."""

    def ours(value: Any) -> bool:
        """Whether the telephone number is one of ours (`DAEHWA_OUR_NUMBERS`)."""
        alias = phone_alias(_text(value), region)
        return alias is not None and alias.value in our_numbers

    def number(value: Any, mark: str = decimal) -> float | None:
        """The number in a text such as `1,234.50` or `12,000원`, null where it is empty. Without a
        decimal mark (`.` or `,`) only what can mean one number."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        text = _text(value)
        if not text.strip():
            return None
        if mark not in ("", ".", ","):
            raise ValueError(f"the decimal mark is . or , and not {mark!r}")
        try:
            found = parse_number(text, mark or None)
        except ValueError as problem:
            raise ValueError(f"{text!r} is no number: {problem}") from None
        return int(found) if found == found.to_integral_value() else float(found)

    def zone_of(name: str) -> tzinfo:
        rules = zones.get(name)
        if rules is None:
            raise ValueError(f"no time zone is called {name!r}")
        return rules

    def e164(value: Any, of: str = region) -> str | None:
        """The telephone number as +8223123456; null where it is none."""
        alias = phone_alias(_text(value), of or region)
        return alias.value if alias is not None else None

    def parse_time(value: Any, pattern: str = "", where: str = zone) -> int | None:
        """Milliseconds since 1970 by a pattern of strptime, else of what can mean one moment, see
        `streams.values.instants`; in the zone where the text names none."""
        if value == "":
            return None
        if isinstance(value, bool):
            raise ValueError(f"{value!r} is no time")
        if isinstance(value, datetime):
            return plausible(milliseconds(value, zone_of(where)))
        if pattern:
            return by_pattern(_text(value), pattern, zone_of(where))
        return parse_instant(_text(value), zone_of(where))

    def excel_time(value: Any, where: str = zone) -> int | None:
        """Milliseconds since 1970 of a serial date of a spreadsheet, such as 45672.5."""
        if value == "":
            return None
        try:
            days = float(_text(value))
        except ValueError:
            raise ValueError(f"{value!r} is no serial date") from None
        return spreadsheet_time(days, zone_of(where))

    return {
        "e164": e164, "parse_time": parse_time, "excel_time": excel_time, "lower": lower,
        "upper": upper, "trim": trim, "digits": digits, "number": number, "replace": replace,
        "split": split, "slug": slug, "sha256": hashed, "email": email, "withheld": withheld,
        "json": json, "ours": ours,
    }  # fmt: skip


NAMES = tuple(functions("", "UTC", {}))
"""The functions' names."""
