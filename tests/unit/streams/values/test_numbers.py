"""Numbers in texts: the right one, or a refusal that says why."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.values.numbers import parse_number
from tests.harness.histories import law

READ = [
    ("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("49,90", "49.90"), ("0.125", "0.125"),
    ("1234.567", "1234.567"), (".5", "0.5"), ("5.", "5"), ("1,234,567", "1234567"),
    ("1.000.000", "1000000"), ("12,34,567.00", "1234567"), ("1 234,50", "1234.50"),
    ("1\u202f234,50", "1234.50"), ("1\u00a0234,50 €", "1234.50"), ("CHF 1'234.50", "1234.50"),
    ("1\u2019234.50", "1234.50"), ("Rs. 500", "500"), ("R$ 10,00", "10"), ("US$10.00", "10"),
    ("12.50 kr", "12.50"), ("€12.50", "12.50"), ("12.50 EUR", "12.50"), ("zł 3,20", "3.20"),
    ("(1,234.50)", "-1234.50"), ("\u221220", "-20"), ("20-", "-20"), ("-€ 12.50", "-12.50"),
    ("€ -12.50", "-12.50"), ("+5", "5"), ("12,000원", "12000"), ("₩12,000", "12000"),
    ("KRW 12,000", "12000"), ("¥1,200円", "1200"), ("1만 2천원", "12000"), ("1만2천", "12000"),
    ("12만원", "120000"), ("만원", "10000"), ("3억 5000만", "350000000"), ("2천5백", "2500"),
    ("1조", "1000000000000"), ("1e3", "1000"),
    ("\uff11\uff12\uff13\uff0e\uff14\uff15", "123.45"), ("\uff11,\uff12\uff13\uff14.5", "1234.5"),
    ("\ufeff12.5\u200b", "12.5"),
]  # fmt: skip
REFUSED = [
    "1,234", "1.234", "12.345 EUR", "", " ", "-", ".", "abc", "EUR", "nan", "inf", "Infinity",
    "1.2.3", "1,2,3", "12.5%", "--5", "(-5)", "- 5 -", "1 2", "1_000", "0x10", "5 EUR 3", "1,23,4",
    "2026-01-15", "12:30", "1/2", "١٢٣", "1천2만3억", "1만만", "1,234.5,6", "12 34", "9" * 65,
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), READ)
def test_what_can_mean_one_number_is_read(text: str, value: str) -> None:
    assert parse_number(text) == Decimal(value)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_none_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [("1,234", ",", "1.234"), ("1,234", ".", "1234"), ("1.234", ",", "1234"),
     ("12.500,75", ",", "12500.75"), ("12,500.75", ".", "12500.75"), ("7", ",", "7")],
)  # fmt: skip
def test_a_decimal_mark_decides(text: str, mark: str, value: str) -> None:
    assert parse_number(text, mark) == Decimal(value)


def test_a_text_against_its_decimal_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="decimal mark"):
        parse_number("12,500.75", ",")


@law
@given(st.integers(-(10**12), 10**12), st.sampled_from([".", ","]))
def test_what_a_person_writes_is_read_back(cents: int, mark: str) -> None:
    amount = Decimal(cents) / 100
    other = "," if mark == "." else "."
    text = f"{amount:,.2f}".replace(",", "G").replace(".", mark).replace("G", other)
    assert parse_number(text, mark) == amount
    assert parse_number(text) == amount, "two decimals leave no doubt"


@law
@given(st.text(max_size=12))
def test_anything_is_a_number_or_a_refusal(text: str) -> None:
    with suppress(ValueError):
        assert parse_number(text).is_finite()
