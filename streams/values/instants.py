"""Instants: read where they say one moment only, refused otherwise.

A number is seconds, milliseconds, microseconds or nanoseconds since 1970 by its magnitude; a text
is ISO 8601, RFC 2822, or digits that are a date from the year on. `1/15/26` is refused: it needs a
format. So is what lies outside of `EARLIEST` and `LATEST`: a zero, a serial date of a spreadsheet.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from email.utils import parsedate_to_datetime

EARLIEST = 631_152_000_000
"""Milliseconds since 1970: 1990. Earlier times are mistakes rather than history."""

LATEST = 4_102_444_800_000
"""Milliseconds since 1970: 2100."""

LATEST_INSTANT = 253_402_300_799_999
"""Milliseconds since 1970: the end of the year 9999."""

MAX_LENGTH = 64
"""Characters; a longer text is no time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPREADSHEET = datetime(1899, 12, 30)
_UNITS = ((10**11, 1000), (10**14, 1), (10**17, Decimal("0.001")), (10**20, Decimal("0.000001")))
_SMALLEST = 10**8
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_EXPONENT = re.compile(r"[+-]?[0-9.]+[eE][+-]?[0-9]+")
_DATE_DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_YEAR_FIRST = re.compile(r"([0-9]{4})([/.])([0-9]{1,2})\2([0-9]{1,2})\.?(?=$|[ T])")
_FRACTION = re.compile(r"([.,][0-9]{6})[0-9]+")
_ZONE = re.compile(r" (?=[+-][0-9]{2}:?[0-9]{2}$)")
_MIDNIGHT = re.compile(r"([ T])24(:?00(?::?00(?:[.,]0+)?)?)(?=$|[Zz+-])")
_NAMED_DAY = re.compile(r"[A-Za-z]{3},? ")


def epoch_ms(number: float | Decimal) -> int:
    """Milliseconds since 1970 of a number of seconds, milliseconds, microseconds or nanoseconds, by
    its magnitude. Raises `ValueError` where none of them is meant."""
    value = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    if value.is_finite() and value >= _SMALLEST:
        for bound, factor in _UNITS:
            if value < bound:
                return int(value * factor)
    raise ValueError(f"{number} is no time since 1970 in seconds, or in a thousandth of them")


def parse_instant(text: str, zone: tzinfo = UTC) -> int:
    """Milliseconds since 1970 of a text; `zone` is that of texts without their own. Raises
    `ValueError` with what is wrong, also outside of `EARLIEST` and `LATEST`."""
    return plausible(read_instant(text, zone))


def read_instant(text: str, zone: tzinfo = UTC) -> int:
    """As `parse_instant`, of any year."""
    said = " ".join(text.split())
    if not said or len(said) > MAX_LENGTH:
        raise ValueError(f"{text[:MAX_LENGTH]!r} is no time")
    if _EXPONENT.fullmatch(said):
        raise ValueError(
            f"{said!r} is no time: its last digits are lost; export the column as text"
        )
    if _DIGITS.fullmatch(said):
        return _of_digits(said, zone)
    try:
        moment = _moment(said)
    except (ValueError, TypeError, IndexError):
        raise ValueError(f"{said!r} is no time without a format, such as %d.%m.%Y") from None
    return milliseconds(moment, zone)


def by_pattern(text: str, pattern: str, zone: tzinfo) -> int:
    """Milliseconds since 1970 of a text in a format of `strptime`. Raises `ValueError`."""
    return plausible(milliseconds(datetime.strptime(text.strip(), pattern), zone))


def spreadsheet_time(days: float, zone: tzinfo) -> int:
    """Milliseconds since 1970 of a serial date of a spreadsheet: days since 30 December 1899, as
    Excel has them since 1900. Raises `ValueError`."""
    try:
        moment = _SPREADSHEET + timedelta(days=days)
    except (OverflowError, ValueError):
        raise ValueError(f"{days} is no serial date") from None
    return plausible(milliseconds(moment, zone))


def milliseconds(moment: datetime, zone: tzinfo) -> int:
    """Milliseconds since 1970; `zone` is that of a moment without its own."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    span = moment - _EPOCH
    return span.days * 86_400_000 + span.seconds * 1000 + span.microseconds // 1000


def plausible(at: int) -> int:
    """The same milliseconds. Raises `ValueError` outside of `EARLIEST` and `LATEST`."""
    if not EARLIEST <= at < LATEST:
        year = 1970 + at / 31_556_952_000
        raise ValueError(f"the time lies about {year:.0f}: no event of a customer does")
    return at


def _of_digits(said: str, zone: tzinfo) -> int:
    try:
        return plausible(epoch_ms(Decimal(said)))
    except ValueError:
        pattern = _DATE_DIGITS.get(len(said), "")
    try:
        return by_pattern(said, pattern, zone)
    except ValueError:
        raise ValueError(
            f"{said!r} is no time: neither since 1970 nor YYYYMMDD; a serial date of a "
            "spreadsheet is excel_time(number)"
        ) from None


def _moment(said: str) -> datetime:
    if _NAMED_DAY.match(said):
        return parsedate_to_datetime(said)
    said = _YEAR_FIRST.sub(lambda one: f"{one[1]}-{int(one[3]):02}-{int(one[4]):02}", said)
    said = _FRACTION.sub(r"\1", _ZONE.sub("", said))
    tomorrow = _MIDNIGHT.search(said)
    if tomorrow is not None:
        said = _MIDNIGHT.sub(r"\g<1>00\2", said)
    moment = datetime.fromisoformat(said.upper())
    return moment + timedelta(days=1) if tomorrow is not None else moment
