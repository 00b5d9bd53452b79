"""Query parameters that do not belong into an archive: tokens, addresses."""

import re
from collections.abc import Iterable

_BEGIN = rb"([?&#;]|\\u0026|\\u003[fF]|%26|%3[fF]|&amp;)"
_CHARACTER = rb"(?:[^&#\"\s;\\]|\\u[0-9a-fA-F]{4}|\\/)"
_VALUE = rb"(?:=|\\u003[dD]|%3[dD])(?:(?!\\u0026|%26)" + _CHARACTER + rb")*"


def parameters_pattern(names: Iterable[str]) -> "re.Pattern[bytes] | None":
    """What finds these parameters, in any capitals, in the URLs of a JSON text; None for none."""
    found = "|".join(re.escape(name) for name in names)
    if not found:
        return None
    return re.compile(_BEGIN + rb"(" + found.encode() + rb")" + _VALUE, re.IGNORECASE)


def without_parameters(document: bytes, pattern: "re.Pattern[bytes]") -> bytes:
    """The JSON with the values of these parameters left out; their names stay, so that one sees
    that there was something."""
    return pattern.sub(rb"\1\2=", document)
