"""Money is whole hundredths, so that no order of adding changes a sum."""

from hypothesis import given
from hypothesis import strategies as st

from streams.values.money import MAX_CURRENCIES, add_spend
from tests.harness.histories import law

amounts = st.dictionaries(
    st.sampled_from([f"A{letter}A" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]),
    st.integers(-(10**9), 10**9),
    max_size=MAX_CURRENCIES,
)


@law
@given(amounts, amounts, amounts)
def test_spend_adds_in_any_order_and_grouping(
    a: dict[str, int], b: dict[str, int], c: dict[str, int]
) -> None:
    assert add_spend(a, b) == add_spend(b, a)
    assert add_spend(add_spend(a, b), c) == add_spend(a, add_spend(b, c))
    assert add_spend(a, {}) == a
    assert len(add_spend(a, b)) <= MAX_CURRENCIES
