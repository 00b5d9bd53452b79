"""JSON that was meant: one odd character does not condemn a whole document."""

import json
import re

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ESCAPE = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F]..)|.)"
)


def mended_json(data: bytes) -> bytes:
    """The document with half characters (a text cut in the middle of an emoji) and bytes that are
    no UTF-8 as U+FFFD, and with null for the NaN and Infinity that Python's own encoder writes; a
    byte order mark and control characters in texts do no harm. Raises `ValueError` and
    `RecursionError` for what is still no JSON."""
    text = data.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "replace")
    document = json.loads(text, parse_constant=lambda _: None, strict=False)
    return _ESCAPE.sub(_whole_character, json.dumps(document).encode())


def _whole_character(found: "re.Match[bytes]") -> bytes:
    return rb"\ufffd" if found[2] else found[0]
