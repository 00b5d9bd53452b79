"""E-mail addresses and telephone numbers in traits, normalised, so that a caller or a sender is
found."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import msgspec
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    format_number,
    is_possible_number,
    parse,
)

from schemas.profile import Profile, Stamped
from streams.identity.callers import caller_number
from streams.values.text_form import compatible

AliasKind = Literal["email", "phone"]

_KINDS: Mapping[str, AliasKind] = {
    **dict.fromkeys(("email", "mail", "emailaddress", "mailaddress"), "email"),
    **dict.fromkeys(
        (
            "phone", "phonenumber", "mobile", "mobilephone", "mobilenumber", "telephone",
            "telephonenumber", "tel", "cell", "cellphone", "homephone", "workphone",
        ),
        "phone",
    ),
}  # fmt: skip
"""Trait name in small letters and without separators -> what it holds."""

_MAX_PHONE_LENGTH = 64
_MAX_ADDRESS_LENGTH = 256


class Alias(msgspec.Struct, frozen=True, gc=False):
    """A normalised address or number of a customer."""

    kind: AliasKind
    value: str


class AliasMoves(msgspec.Struct, frozen=True, gc=False):
    """Which aliases profiles hold now, and which they held before, as (alias, profile key)."""

    held: list[tuple[Alias, str]]
    given_up: list[tuple[Alias, str]]


def email_alias(text: str) -> Alias | None:
    """The e-mail address, trimmed and in lower case; None for anything else."""
    value = compatible(text).strip().lower()
    name, _, host = value.partition("@")
    if not name or not host or "@" in host or any(c.isspace() for c in value):
        return None
    return Alias("email", value)


@lru_cache(maxsize=10_000)
def phone_alias(text: str, region: str) -> Alias | None:
    """The telephone number in E.164 (`+8223123456`); None where it cannot be one.

    `region` (ISO 3166, such as `KR`) says whose national numbers those without `+` are; where it
    is empty they cannot be read. A SIP address is read for its number; a caller who withholds it
    (`streams.identity.callers`) has none.
    """
    if len(text) > _MAX_ADDRESS_LENGTH:
        return None
    said = caller_number(text)
    if not said or len(said) > _MAX_PHONE_LENGTH:
        return None
    try:
        number = parse(said, region or None)
    except NumberParseException:
        return None
    if not is_possible_number(number):
        return None
    return Alias("phone", format_number(number, PhoneNumberFormat.E164))


def aliases_of(traits: Mapping[str, Stamped], region: str) -> set[Alias]:
    """Every e-mail address and telephone number in the traits."""
    found: set[Alias] = set()
    for name, stamped in traits.items():
        kind = kind_of(name)
        value = stamped.value
        if kind is None or isinstance(value, bool) or not isinstance(value, str | int):
            continue
        alias = email_alias(str(value)) if kind == "email" else phone_alias(str(value), region)
        if alias is not None:
            found.add(alias)
    return found


def alias_moves(
    before: Mapping[str, Profile], after: Mapping[str, Profile], region: str
) -> AliasMoves:
    """Changes of aliases by a batch: `before` and `after` are the profiles by key. A profile with
    unchanged traits is skipped."""
    moves = AliasMoves([], [])
    for key, profile in after.items():
        earlier = before.get(key)
        old = earlier.traits if earlier is not None else {}
        if profile.traits is old or not (profile.traits or old):
            continue
        held = aliases_of(profile.traits, region)
        moves.held.extend((alias, key) for alias in held)
        moves.given_up.extend((alias, key) for alias in aliases_of(old, region) - held)
    return moves


@lru_cache(maxsize=10_000)
def kind_of(name: str) -> AliasKind | None:
    """Alias kind of a trait name; None for all others."""
    return _KINDS.get("".join(c for c in name.lower() if c.isalnum()))
