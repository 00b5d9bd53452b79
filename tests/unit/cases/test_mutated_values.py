"""Values as people and systems write them, made from a known truth: read right, or refused."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from streams.consent.wording import granted
from streams.orders.amounts import hundredths_of
from streams.values.instants import parse_instant
from streams.values.numbers import parse_number
from tests.harness.consent_spellings import NO, UNCLEAR, YES

SEOUL = ZoneInfo("Asia/Seoul")
_SIGNS = ("€", "$", "£", "₩", "EUR ", "USD", "kr", "Rs. ", "")
_BLANKS = ("", " ", "\u00a0", "\u202f", "\ufeff", "\u200b")


def written_number(chance: random.Random) -> tuple[str, Decimal | None, bool]:
    """(text, the number it was made of, whether it could be another one)."""
    sign = chance.choice(_SIGNS)
    decimals = 0 if sign == "₩" else chance.choice((0, 0, 1, 2, 2, 2, 3))
    value = Decimal(chance.randrange(10 ** chance.randrange(1, 9))).scaleb(-decimals)
    mark = chance.choice(".,")
    group = chance.choice(("", "", "." if mark == "," else ",", "'", "\u00a0", "\u202f"))
    text = f"{value:,.{decimals}f}".replace(",", "G").replace(".", mark).replace("G", group)
    marks = [one for one in text if one in ".,"]
    head, _, tail = text.partition(marks[0]) if len(marks) == 1 else ("", "", "")
    # One mark before three digits groups them, or begins decimals; an amount in won has none.
    doubtful = (
        sign != "₩" and len(marks) == 1 and len(tail) == 3 and 1 <= len(head) <= 3
        and not head.startswith("0") and head.isdigit()
    )  # fmt: skip
    negative = chance.random() < 0.2
    if negative:
        value = -value
        text = chance.choice(("-{}", "{}-", "({})", "\u2212{}")).format(text)
    text = sign + text if chance.random() < 0.5 else text + chance.choice(("", " ")) + sign.strip()
    if chance.random() < 0.2:
        text = "".join(chr(ord(one) + 0xFEE0) if "0" <= one <= "9" else one for one in text)
    return chance.choice(_BLANKS) + text + chance.choice(_BLANKS), value, doubtful


def written_time(chance: random.Random) -> tuple[str, int]:
    """(text, milliseconds since 1970 that it was made of)."""
    moment = datetime(1991, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(3_000_000_000))
    local = moment.astimezone(SEOUL)
    seconds = int(moment.timestamp())
    ways = (
        moment.isoformat(), moment.isoformat().replace("+00:00", "Z"), f"{local:%Y-%m-%d %H:%M:%S}",
        f"{local:%Y-%m-%d %H:%M:%S %z}", f"{local:%Y%m%d%H%M%S}", f"{local:%Y%m%d %H%M%S}",
        f"{local:%Y/%m/%d %H:%M:%S}", f"{moment:%a, %d %b %Y %H:%M:%S} +0000", str(seconds),
        f"{seconds}.0", str(seconds * 1000), str(seconds * 10**6), str(seconds * 10**9),
        f"{moment:%Y-%m-%dT%H:%M:%S}.0000000Z",
    )  # fmt: skip
    return chance.choice(ways), seconds * 1000


def check(count: int, seed: int) -> tuple[int, int]:
    """(numbers read, numbers refused): nothing is silently something else."""
    chance = random.Random(seed)
    read = refused = 0
    for _ in range(count):
        text, truth, doubtful = written_number(chance)
        try:
            found = parse_number(text)
        except ValueError:
            assert doubtful or truth is None, text
            refused += 1
        else:
            assert not doubtful, text
            assert found == truth, text
            read += 1
            cents = hundredths_of(text)
            assert cents is None or abs(Decimal(cents) / 100 - found) <= Decimal("0.005")
        text, at = written_time(chance)
        assert parse_instant(text, SEOUL) == at, text
        said = chance.choice([*NO, *UNCLEAR, *YES])
        assert granted(said) is not True or said in YES
    return read, refused


def test_nothing_is_silently_something_else() -> None:
    read, refused = check(3000, 1)
    assert read > 10 * refused > 0


@pytest.mark.slow
def test_a_hundred_thousand_values_are_read_right_or_refused() -> None:
    check(100_000, 2)
