"""One form for text that is compared: topics, ids, e-mail addresses.

A browser of one vendor composes `é`, another sends `e` and an accent; a spreadsheet adds characters
without width. What looks the same is the same.
"""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def composed(text: str) -> str:
    """The text in NFC (Unicode Standard Annex 15), without characters that have no width."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


def compatible(text: str) -> str:
    """The text in NFKC, without characters that have no width: full-width Latin is Latin."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
