"""The likeliest next topic: shrunk transitions, silence while too few are known."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.effect import Effect, Folded, Learn
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.folding import fold
from streams.offers import MOST_POPULAR, SHRINKAGE, next_topics
from streams.transitions import MOST_FOLLOWING, CountedTransitions
from tests.unit.histories import BEGIN, MINUTE, event, fold_all, law, shop

TOPICS = [f"product/{name}" for name in "abcdef"]


class Counted:
    """Transitions as plain counts."""

    def __init__(self, begun: dict[str, int], pairs: dict[tuple[str, str], int]) -> None:
        self.begun = begun
        self.begun_total = sum(begun.values())
        self.pairs = pairs

    def following(self, topic: str) -> dict[str, int]:
        return {after: n for (before, after), n in self.pairs.items() if before == topic}


@law
@given(
    st.dictionaries(st.sampled_from(TOPICS), st.integers(1, 1000), min_size=1),
    st.dictionaries(st.sampled_from([("product/a", t) for t in TOPICS]), st.integers(1, 500)),
    st.sets(st.sampled_from(TOPICS)),
)
def test_shares_are_the_shrunk_ones_computed_directly(
    begun: dict[str, int], pairs: dict[tuple[str, str], int], known: set[str]
) -> None:
    found = next_topics(
        "product/a", Counted(begun, pairs), known=known, covers=lambda topic: True, most=99
    )
    of = sum(pairs.values())
    expected = {}
    for topic in TOPICS:
        if topic in begun and topic not in known and topic != "product/a":
            popularity = begun[topic] / sum(begun.values())
            seen = pairs.get(("product/a", topic), 0)
            expected[topic] = (seen + SHRINKAGE * popularity) / (of + SHRINKAGE)
    assert {offer.topic: offer.share for offer in found} == pytest.approx(expected)
    assert [offer.share for offer in found] == sorted((o.share for o in found), reverse=True)
    for offer in found:
        assert offer.lift == pytest.approx(offer.share * sum(begun.values()) / begun[offer.topic])
        assert offer.of == of
    alone = next_topics("product/a", Counted(begun, pairs), known=known, covers=lambda t: True,
                        most=99, popular=False)  # fmt: skip
    assert alone == [offer for offer in found if offer.seen]
    assert all(offer.lift < 1 + 1e-9 for offer in found if not offer.seen)


def test_an_empty_shop_offers_nothing() -> None:
    assert next_topics("product/a", Counted({}, {}), known=(), covers=lambda topic: True) == []


def test_nothing_is_offered_before_enough_customers_went_on() -> None:
    counted = Counted({"product/a": 5, "product/b": 9}, {("product/a", "product/b"): 4})

    def offered(least: int) -> list[str]:
        found = next_topics("product/a", counted, known=(), covers=lambda t: True, least=least)
        return [offer.topic for offer in found]

    assert offered(4) == ["product/b"]
    assert offered(5) == []


def test_only_so_many_popular_topics_are_considered() -> None:
    begun = {f"product/{n}": n for n in range(1, 1001)}
    found = next_topics("x", Counted(begun, {}), known=(), covers=lambda t: True, most=999)
    assert [offer.topic for offer in found] == [
        f"product/{n}" for n in range(1000, 1000 - MOST_POPULAR, -1)
    ]


def view(number: int, category: str, name: str = "Product Viewed") -> Event:
    return event(
        f"m{number}",
        name=name,
        user_id="u1",
        occurred_at=BEGIN + number * MINUTE,
        properties={"category": category},
    )


def effects_of(happened: Event, profile: Profile | None, counted: Counted) -> list[Effect]:
    outcome = fold(profile, "u1", happened, shop(), Models(counted))
    assert isinstance(outcome, Folded)
    return outcome.effects


def offers(happened: Event, profile: Profile | None, counted: Counted) -> list[Trigger]:
    found = [e for e in effects_of(happened, profile, counted) if isinstance(e, Trigger)]
    return [trigger for trigger in found if trigger.type == "offer.next"]


BEGUN = {"product/shoes": 100, "product/socks": 60, "product/hats": 40, "complaint/x": 100}


def test_an_offer_says_what_and_why() -> None:
    counted = Counted(BEGUN, {("product/shoes", "product/socks"): 30})
    (trigger,) = offers(view(1, "shoes"), None, counted)
    share = (30 + SHRINKAGE * 0.2) / (30 + SHRINKAGE)
    assert trigger.topic == "product/socks"
    assert trigger.why["share"] == round(share, 4)
    assert (trigger.why["seen"], trigger.why["of"]) == (30, 30)
    assert trigger.reason == (
        f"after product/shoes {share:.0%} go to product/socks, {share / 0.2:.1f} times the average"
    )


def test_too_few_customers_are_no_reason() -> None:
    pairs = {("product/shoes", "product/socks"): 19}
    assert offers(view(1, "shoes"), None, Counted(BEGUN, pairs)) == []
    pairs["product/shoes", "product/hats"] = 1
    assert len(offers(view(1, "shoes"), None, Counted(BEGUN, pairs))) == 1


def test_what_the_customer_knows_and_what_the_rule_does_not_cover_is_not_offered() -> None:
    pairs = {
        ("product/shoes", "complaint/x"): 99,
        ("product/shoes", "product/socks"): 50,
        ("product/shoes", "product/hats"): 40,
    }
    counted = Counted(BEGUN, pairs)
    profile = fold_all([view(1, "socks")])
    (trigger,) = offers(view(2, "shoes"), profile, counted)
    assert trigger.topic == "product/hats"


def test_less_than_the_average_is_no_offer() -> None:
    pairs = {("product/shoes", "complaint/x"): 900, ("product/shoes", "product/socks"): 30}
    assert offers(view(1, "shoes"), None, Counted(BEGUN, pairs)) == []


def test_one_offer_a_day() -> None:
    pairs = {
        ("product/shoes", "product/socks"): 50,
        ("product/gloves", "product/hats"): 50,
    }
    counted = Counted(BEGUN, pairs)
    profile = fold_all([view(1, "shoes")], models=Models(counted))
    (second,) = offers(view(2, "gloves"), profile, counted)
    assert (second.decision, second.suppressed_by) == ("suppressed", "cooldown")
    (next_day,) = offers(view(2 + 24 * 60, "gloves"), profile, counted)
    assert next_day.decision == "fire"


def test_each_beginning_is_learned_once_with_the_topic_before_it() -> None:
    learned: Counter[tuple[str | None, str]] = Counter()
    profile: Profile | None = None
    history = [view(1, "shoes"), view(2, "shoes", "Product Added"), view(3, "socks"),
               view(4, "shoes"), view(5, "hats")]  # fmt: skip
    for happened in history:
        for effect in effects_of(happened, profile, Counted({}, {})):
            if isinstance(effect, Learn):
                learned[effect.previous, effect.topic] += 1
        profile = fold_all([happened], profile=profile)
    assert learned == {
        (None, "product/shoes"): 1,
        ("product/shoes", "product/socks"): 1,
        ("product/shoes", "product/hats"): 1,
    }


def test_a_pair_without_room_is_counted_nowhere() -> None:
    counted = CountedTransitions()
    assert [counted.learn("shoes", f"topic-{n}") for n in range(MOST_FOLLOWING)] == [
        (True, True)
    ] * MOST_FOLLOWING
    assert counted.learn("shoes", "one too many") == (True, False)
    assert "one too many" not in counted.following("shoes")
    assert counted.begun["one too many"] == 1
