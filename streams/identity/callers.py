"""Callers as telephone systems write them: SIP addresses, and those who withhold their number.

The placeholders are what networks and providers put in the number's place. Some are digits: the
word on a telephone's keys, as Twilio passes it on (`+266696687` is ANONYMOUS).
"""

import re

WITHHELD_WORDS = frozenset({
    "anonymous", "anonym", "blocked", "callerid", "coinlinecall", "coinline", "hidden", "id",
    "idwithheld", "interactionwithotherservice", "invalid", "nobody", "nocallerid", "nocli",
    "none", "nonumber", "null", "numberwithheld", "outofarea", "payphone", "private",
    "privatecaller", "privatenumber", "restricted", "secret", "unavailable", "undefined",
    "unknown", "unknowncaller", "unknownnumber", "wireless", "withheld", "발신자표시제한",
    "발신번호표시제한", "공중전화", "非通知",
})  # fmt: skip
"""In small letters, without blanks and separators."""

WITHHELD_DIGITS = frozenset({
    "266696687",  # ANONYMOUS
    "2562533",  # BLOCKED
    "7378742833",  # RESTRICTED
    "86282452253",  # UNAVAILABLE
    "8656696",  # UNKNOWN
    "7748283",  # PRIVATE
    "94843353",  # WITHHELD
    "464",  # ING, what is left of a cut-off placeholder
})  # fmt: skip
"""Digits of a number that spell one of the words on the keys of a telephone."""

_ADDRESS = re.compile(r"(?:.*<)?\s*(?:sips?|tel):([^@;>\s]*)(?:@([^;>\s]*))?.*", re.IGNORECASE)
_CLIENT = re.compile(r"client:.*", re.IGNORECASE)
_BETWEEN = re.compile(r"[\W_]+")
_ANONYMOUS_HOST = "anonymous.invalid"


def caller_number(text: str) -> str:
    """The number in a caller's address: `sip:+8210…@host;x=y` and `tel:+8210…` without what is
    around it; "" for `client:` (a browser or an app, no telephone) and for one withheld."""
    said = text.strip()
    if _CLIENT.fullmatch(said) or is_withheld(said):
        return ""
    address = _ADDRESS.fullmatch(said)
    return address[1] if address is not None else said


def is_withheld(text: str) -> bool:
    """Whether a caller's address says that there is no number, or gives a placeholder for one."""
    said = text.strip()
    address = _ADDRESS.fullmatch(said)
    if address is not None:
        if (address[2] or "").lower() == _ANONYMOUS_HOST:
            return True
        said = address[1]
    word = _BETWEEN.sub("", said.lower())
    return not word or word in WITHHELD_WORDS or word in WITHHELD_DIGITS
