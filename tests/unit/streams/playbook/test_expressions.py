"""An expression holds or not, or is refused with the word that was meant; it never raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.playbook.errors import RuleError
from streams.playbook.expressions import MAX_EXPRESSION_LENGTH, Expression, compile_expression
from streams.segments.facts import FACTS

KNOWN = ("purchases", "spend", "traits", "topics", "furthest", "tier", "known")


def compiled(text: str) -> Expression:
    return compile_expression(text, "segments.x.if", KNOWN)


@pytest.mark.parametrize(
    ("text", "facts", "holds"),
    [
        ("purchases >= 2", {"purchases": 2}, True),
        ("purchases >= 2", {"purchases": 1}, False),
        ("spend > 100", {"spend": 100.5}, True),
        ("spend / double(purchases) > 50.0", {"spend": 120.0, "purchases": 2}, True),
        ('traits.plan == "gold"', {"traits": {"plan": "gold"}}, True),
        ('traits.plan == "gold"', {"traits": {}}, False),
        ('traits.plan != "gold"', {"traits": {}}, False),
        ("has(traits.plan)", {"traits": {}}, False),
        ("!has(traits.plan)", {"traits": {}}, True),
        ('!has(traits.plan) || traits.plan != "gold"', {"traits": {}}, True),
        ('traits["postal code"].startsWith("80")', {"traits": {"postal code": "80331"}}, True),
        ('topics.exists(t, t.startsWith("product/"))', {"topics": ["product/shoes"]}, True),
        (
            'topics.all(a, topics.exists(b, (b == a))) && topics.exists(c, c != "x.all(")',
            {"topics": ["product/shoes"]},
            True,
        ),
        ('furthest["product/shoes"] == "cart"', {"furthest": {"product/shoes": "cart"}}, True),
        ('"product/shoes" in furthest', {"furthest": {}}, False),
        ('tier == "top"', {}, False),
        ('tier != "top"', {}, False),
        ('tier == "top" || known', {"known": True}, True),
        ('purchases > "2"', {"purchases": 3}, False),
        ("purchases / 0 > 1", {"purchases": 3}, False),
        ("purchases", {"purchases": 1}, False),
        ('traits.name.matches("^[A-Z]")', {"traits": {"name": "Ann"}}, True),
        ('traits.name.matches("^[A-Z]")', {"traits": {"name": 7}}, False),
        ('traits.name == "Ann"', {"traits": {"name": "\ud800"}}, False),
    ],
)
def test_what_is_not_known_does_not_hold(text: str, facts: dict[str, object], holds: bool) -> None:
    assert compiled(text).holds(facts) is holds


def test_it_says_which_facts_it_needs_and_no_others() -> None:
    text = 'purchases > 1 && topics.exists(t, t == "spend") && type(traits.age) == int'
    assert compiled(text).names == {"purchases", "topics", "traits"}


@pytest.mark.parametrize(
    ("text", "says", "offset"),
    [
        ("purchases > 1 && spnd > 2", "nothing is called 'spnd'; there are", 17),
        ("purchases > 1 && spnd > 2", "did you mean 'spend'", 17),
        ('"spnd" == traits.x && spnd > 2', "'spnd'", 22),
        ("sise(topics) > 1", "no function is called 'sise'", 0),
        ("topics.exist(t, t == 'x')", "did you mean 'exists'", None),
        ("purchases > 1 and known", "CEL writes &&", 14),
        ("purchases = 1", "CEL writes ==", 10),
        ("purchases >", "it ends too early", 11),
        ("", "it ends too early", 0),
        ("purchases > 1 &&\n  (known", "is not an expression", 25),
        ("topics.exists(spend, spend == 'x')", "'spend' is a fact", 14),
        (
            "topics.all(a, topics .exists_one(b, topics. map(c, c == a).size() > 1 && b == a))",
            "may hold one other",
            43,
        ),
        ("known" + " && known" * MAX_EXPRESSION_LENGTH, "characters long", None),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, says: str, offset: int | None) -> None:
    with pytest.raises(RuleError) as raised:
        compiled(text)
    assert says in raised.value.message
    assert raised.value.where == "segments.x.if"
    if offset is not None:
        assert raised.value.offset == offset


_words = st.sampled_from([
    *FACTS, "(", ")", "[", "]", "{", "}", ".", ",", "&&", "||", "!", "==", "<", ">=", "+", "-", "*",
    "/", "%", "?", ":", "in", "1", "2.5", '"a"', "'", '"', "has", "exists", "t", "null", "true",
    "\\", "\n", "é", "//", "matches", '"("', "9223372036854775807", "dyn", "x",
])  # fmt: skip
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_words, max_size=9), st.dictionaries(st.sampled_from([*FACTS]), _values))
def test_no_text_and_no_facts_make_it_raise(words: list[str], facts: dict[str, object]) -> None:
    try:
        expression = compile_expression(" ".join(words), "x", FACTS)
    except RuleError:
        return
    assert expression.holds(facts) in (True, False)
