"""Query parameters that must not be archived: tokens, addresses."""

import re
from collections.abc import Iterable

_BEGIN = rb"([?&#;]|\\u0026|\\u003[fF]|%26|%3[fF]|&amp;)"
_CHARACTER = rb"(?:[^&#\"\s;\\]|\\u[0-9a-fA-F]{4}|\\/)"
_VALUE = rb"(?:=|\\u003[dD]|%3[dD])(?:(?!\\u0026|%26)" + _CHARACTER + rb")*"


def parameters_pattern(names: Iterable[str]) -> "re.Pattern[bytes] | None":
    """Pattern of these parameters, case-insensitive, in the URLs of a JSON text; None for none."""
    found = "|".join(re.escape(name) for name in names)
    if not found:
        return None
    return re.compile(_BEGIN + rb"(" + found.encode() + rb")" + _VALUE, re.IGNORECASE)


def without_parameters(document: bytes, pattern: "re.Pattern[bytes]") -> bytes:
    """The JSON without the values of these parameters; their names stay."""
    return pattern.sub(rb"\1\2=", document)
