"""Numbers in texts: read where they can mean one thing only, refused otherwise.

`1,234.50` and `1.234,50` say themselves which mark is the decimal one. `1,234` does not: without a
stated decimal mark it is refused.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation

MAX_LENGTH = 64
"""Characters; a longer text is no number."""

_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_SIGNS = str.maketrans(
    {"\u2212": "-", "\u2013": "-", "\u2019": "'", "\u02bc": "'", "\u066b": ".", "\u066c": "'"}
)
_WORDS = re.compile(
    r"(?i)(?<![a-z])(?:[a-z]{3}|fr\.|kr\.?|zł|kč|ft|lei|r\$|us\$|ca\$|au\$|hk\$|nt\$|rs\.?|won|yen|euros?)(?![a-z])"
    r"|원정?|円|元|圓"
)
_EXPONENT = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?[eE][+-]?[0-9]{1,3}")
_PLAIN = re.compile(r"[0-9.,' ]*[0-9][0-9.,' ]*")
_UNITS = {
    "조": 10**12, "兆": 10**12, "억": 10**8, "億": 10**8, "만": 10**4, "萬": 10**4, "万": 10**4,
    "천": 1000, "千": 1000, "백": 100, "百": 100, "십": 10, "十": 10,
}  # fmt: skip
_UNIT = re.compile(r"([0-9][0-9.,']*)?\s*([조兆억億만萬万천千백百십十])")
_WITHOUT_DECIMALS = re.compile(r"[원₩円₫]|(?<![A-Za-z])(?:KRW|JPY|VND)(?![A-Za-z])", re.IGNORECASE)
_GROUPS_OF_3 = re.compile(r"[0-9]{1,3}(?:G[0-9]{3})+")
_INDIAN = re.compile(r"[0-9]{1,2}(?:G[0-9]{2})*G[0-9]{3}")


def parse_number(text: str, decimal: str | None = None, *, whole: bool = False) -> Decimal:
    """The number that `text` says, without its currency.

    `decimal` is the decimal mark, `.` or `,`, where it is known; `whole` says that there are no
    decimals, so that a mark before three digits groups them; an amount in won or yen has none.
    Raises `ValueError` with what is wrong for a text that is no number or could be two.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("longer than a number")
    said = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_SIGNS)
    said = " ".join(said.split())
    if _EXPONENT.fullmatch(said):
        return Decimal(said)
    whole = whole or _WITHOUT_DECIMALS.search(said) is not None
    said, negative = _signed(said)
    if not said:
        raise ValueError("no number")
    if any(unit in said for unit in _UNITS):
        value = _with_units(said)
    else:
        value = _marked(said, decimal, whole)
    return -value if negative else value


def _signed(said: str) -> tuple[str, bool]:
    """The digits and marks of it without signs and currency, and whether it is negative."""
    negative = False
    for _ in range(4):  # a sign, a currency, brackets, in any nesting that people write
        before = said
        if said.startswith("(") and said.endswith(")"):
            if negative:
                raise ValueError("two signs")
            said, negative = said[1:-1].strip(), True
        if said[:1] in "+-" and said[:1]:
            if negative and said[0] == "-":
                raise ValueError("two signs")
            negative = negative or said[0] == "-"
            said = said[1:].strip()
        elif said[-1:] == "-":
            if negative:
                raise ValueError("two signs")
            said, negative = said[:-1].strip(), True
        said = _without_currency(said)
        if said == before:
            break
    return said, negative


def _without_currency(said: str) -> str:
    """The text without one currency sign, code or word at either end."""
    if said and unicodedata.category(said[0]) == "Sc":
        return said[1:].strip()
    if said and unicodedata.category(said[-1]) == "Sc":
        return said[:-1].strip()
    for found in (_WORDS.match(said), *_WORDS.finditer(said)):
        if found is not None and found.end() == len(said):
            return said[: found.start()].strip()
        if found is not None and found.start() == 0:
            return said[found.end() :].strip()
    return said


def _with_units(said: str) -> Decimal:
    """`1만 2천`: 12000. Units fall from left to right, as they are said."""
    total = section = Decimal(0)
    highest = small = 10**13
    at = 0
    for found in _UNIT.finditer(said):
        if said[at : found.start()].strip():
            raise ValueError("no number")
        at = found.end()
        unit = _UNITS[found[2]]
        count = _marked(found[1], ".", False) if found[1] else Decimal(1)
        if unit >= 10**4:
            if unit >= highest:
                raise ValueError("units out of order")
            highest, small = unit, 10**13
            total += (section + (count if found[1] else (0 if section else 1))) * unit
            section = Decimal(0)
        else:
            if unit >= small:
                raise ValueError("units out of order")
            small = unit
            section += count * unit
    rest = said[at:].strip()
    if rest:
        section += _marked(rest, ".", False)
    return total + section


def _marked(said: str, decimal: str | None, whole: bool) -> Decimal:
    """The number in digits and marks."""
    if not _PLAIN.fullmatch(said):
        raise ValueError("no number")
    marks = {mark for mark in ".,' " if mark in said}
    if decimal is None:
        decimal = _decimal_mark(said, marks, whole)
    head, _, tail = said.partition(decimal) if decimal else (said, "", "")
    if decimal and (decimal in tail or any(mark in tail for mark in ".,' ")):
        raise ValueError(f"{decimal} is the decimal mark and stands before other marks")
    grouping = marks - {decimal}
    if len(grouping) > 1:
        raise ValueError("more than one grouping mark")
    for mark in grouping:
        shape = head.replace(mark, "G")
        if not (_GROUPS_OF_3.fullmatch(shape) or _INDIAN.fullmatch(shape)):
            raise ValueError(f"{mark!r} does not group digits by three")
        head = head.replace(mark, "")
    try:
        return Decimal(f"{head or '0'}.{tail or '0'}")
    except InvalidOperation:
        raise ValueError("no number") from None


def _decimal_mark(said: str, marks: set[str], whole: bool) -> str | None:
    """The mark that must be the decimal one; None where there is none. ValueError: unclear."""
    points = marks & {".", ","}
    if len(points) == 2:
        return "." if said.rindex(".") > said.rindex(",") else ","
    if not points:
        return None
    mark = points.pop()
    if said.count(mark) > 1:
        return None
    head, _, tail = said.partition(mark)
    if marks - {mark}:  # blanks or apostrophes group
        return mark
    if len(tail) == 3 and 1 <= len(head) <= 3 and not head.startswith("0"):
        if whole:
            return None
        raise ValueError(f"{mark} may group thousands or begin decimals; name the decimal mark")
    return mark
