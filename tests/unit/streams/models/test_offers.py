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
from streams.fold.fold import fold
from streams.models.learned import Learned
from streams.models.offers import (
    MAX_TAUGHT,
    SHRINKAGE,
    NextTopic,
    OfferQuery,
    known_beside,
    next_topics,
)
from streams.models.transitions import MAX_FOLLOWING, CountedTransitions
from streams.profile.dialogues import advance
from tests.harness.histories import BEGIN, DAY, MINUTE, event, fold_all, law, shop

TOPICS = [f"product/{name}" for name in "abcdef"]


def counted(begun: dict[str, int], pairs: dict[tuple[str, str], int]) -> CountedTransitions:
    return CountedTransitions(begun, pairs, totals={"customers": 1000})


def anything(_: str) -> bool:
    return True


@law
@given(
    st.dictionaries(st.sampled_from(TOPICS), st.integers(1, 1000), min_size=1),
    st.dictionaries(
        st.tuples(st.sampled_from(TOPICS), st.sampled_from(TOPICS)).filter(lambda p: p[0] != p[1]),
        st.integers(1, 500),
    ),
    st.sets(st.sampled_from(TOPICS)),
    st.sets(st.sampled_from(TOPICS)),
)
def test_nothing_known_or_ineligible_is_offered_and_shares_are_the_shrunk_ones(
    begun: dict[str, int],
    pairs: dict[tuple[str, str], int],
    known: set[str],
    refused: set[str],
) -> None:
    learned = counted(begun, pairs)
    considered = [(topic, 1) for topic in sorted(known | {"product/a"})]

    def ask() -> list[NextTopic]:
        query = OfferQuery("product/a", considered, known=known, covers=anything)
        return next_topics(
            query, learned, most=99, eligible=lambda offer: offer.topic not in refused
        )

    found = ask()
    assert found == ask()
    offered = {offer.topic for offer in found}
    assert len(offered) == len(found)
    assert not offered & (known | refused | {"product/a"})
    assert [offer.score for offer in found] == sorted((o.score for o in found), reverse=True)
    arrived: Counter[str] = Counter()
    for (_, topic), count in pairs.items():
        arrived[topic] += count
    total = max(sum(arrived.values()), 1)
    for offer in found:
        of = sum(count for (before, _), count in pairs.items() if before == offer.after)
        seen = pairs.get((offer.after, offer.topic), 0)
        average = (arrived[offer.topic] or 1) / total
        share = (seen + SHRINKAGE * average) / (of + SHRINKAGE)
        assert (offer.seen, offer.of) == (seen, of)
        assert offer.share == pytest.approx(share)
        assert offer.lift == pytest.approx(share / average)
    if all(arrived[topic] for topic in offered):
        after_a = sum(offer.share for offer in found if offer.after == "product/a")
        assert after_a <= 1 + 1e-9


def test_an_empty_shop_offers_nothing() -> None:
    query = OfferQuery("product/a", [], known=(), covers=anything)
    found = next_topics(query, counted({}, {}))
    assert found == []


def test_what_the_playbook_says_goes_well_is_offered_though_nobody_went_there() -> None:
    query = OfferQuery(
        "product/a", [("product/a", 1)], known=("product/c",), covers=anything,
        complements=("product/b", "product/c"),
    )  # fmt: skip
    (found,) = next_topics(query, counted({}, {}), popular=False, least=20)
    assert (found.topic, found.complement) == ("product/b", True)


@law
@given(st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from(TOPICS), st.integers(0, 400))))
def test_counts_that_were_written_and_read_go_on_as_those_that_were_not(
    steps: list[tuple[str, str, int]],
) -> None:
    whole, cut = Learned(), Learned()
    for previous, topic, day in steps:
        for learned in (whole, cut):
            learned.transitions.learn((previous,), topic, BEGIN + day * DAY, False, {})
        cut = Learned(cut.everything())
        assert cut.everything() == whole.everything()
        assert cut.transitions.popular == whole.transitions.popular
        for name in TOPICS:
            assert cut.transitions.strongest(name) == whole.transitions.strongest(name)
            assert cut.transitions.gone_on(name) == whole.transitions.gone_on(name)


@law
@given(st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from(TOPICS), st.integers(0, 400))))
def test_the_increments_add_up_to_what_is_counted(steps: list[tuple[str, str, int]]) -> None:
    learned = Learned()
    increments: dict[str, dict[str, int]] = {}
    for previous, topic, day in steps:
        learned.transitions.learn((previous,), topic, BEGIN + day * DAY, True, increments)
    assert increments == learned.everything()


def view(number: int, category: str, name: str = "Product Viewed") -> Event:
    return event(
        f"m{number}",
        name=name,
        user_id="u1",
        occurred_at=BEGIN + number * MINUTE,
        properties={"category": category},
    )


def bought(minute: int, category: str) -> Event:
    return view(minute, category, "Order Completed")


def effects_of(
    happened: Event, profile: Profile | None, counted: CountedTransitions
) -> list[Effect]:
    outcome = fold(profile, "u1", happened, shop(), Models(counted))
    assert isinstance(outcome, Folded)
    return outcome.effects


def offers(happened: Event, profile: Profile | None, learned: CountedTransitions) -> list[Trigger]:
    found = [e for e in effects_of(happened, profile, learned) if isinstance(e, Trigger)]
    return [trigger for trigger in found if trigger.type == "offer.next"]


BEGUN = {"product/shoes": 100, "product/socks": 60, "product/hats": 40, "complaint/x": 100}
ELSEWHERE = {("product/coats", "product/hats"): 50, ("product/coats", "complaint/x"): 50}


def test_an_offer_says_what_and_why() -> None:
    learned = counted(BEGUN, ELSEWHERE | {("product/shoes", "product/socks"): 100})
    (trigger,) = offers(bought(1, "shoes"), None, learned)
    share = (100 + SHRINKAGE * 0.5) / (100 + SHRINKAGE)
    assert trigger.topic == "product/socks"
    assert trigger.why["share"] == round(share, 4)
    assert (trigger.why["seen"], trigger.why["of"], trigger.why["explored"]) == (100, 100, False)
    assert trigger.reason == (
        f"after product/shoes {share:.0%} go to product/socks, {share / 0.5:.1f} times the average"
    )


def test_too_few_customers_are_no_reason() -> None:
    pairs = ELSEWHERE | {("product/shoes", "product/socks"): 19}
    assert offers(bought(1, "shoes"), None, counted(BEGUN, pairs)) == []
    pairs["product/shoes", "product/socks"] += 1
    assert len(offers(bought(1, "shoes"), None, counted(BEGUN, pairs))) == 1


def test_what_the_customer_knows_and_what_the_rule_does_not_cover_is_not_offered() -> None:
    pairs = {
        ("product/shoes", "complaint/x"): 99,
        ("product/shoes", "product/socks"): 50,
        ("product/shoes", "product/hats"): 40,
        ("product/coats", "product/coats2"): 500,
    }
    profile = fold_all([view(1, "socks")])
    (trigger,) = offers(bought(2, "shoes"), profile, counted(BEGUN, pairs))
    assert trigger.topic == "product/hats"


def test_less_than_the_average_is_no_offer() -> None:
    pairs = {
        ("product/shoes", "complaint/x"): 900,
        ("product/shoes", "product/socks"): 30,
        ("product/coats", "product/socks"): 900,
    }
    assert offers(bought(1, "shoes"), None, counted(BEGUN, pairs)) == []


def test_one_offer_a_day() -> None:
    learned = counted(BEGUN, ELSEWHERE | {
        ("product/shoes", "product/socks"): 150,
        ("product/shoes", "product/hats"): 60,
        ("product/gloves", "product/hats"): 150,
        ("product/coats", "complaint/x"): 500,
    })  # fmt: skip
    profile = fold_all([bought(1, "shoes")], models=Models(learned))
    assert offers(bought(2, "gloves"), profile, learned) == [], "none is looked for while one rests"
    (next_day,) = offers(bought(2 + 24 * 60, "gloves"), profile, learned)
    assert next_day.decision == "fire"


def test_each_beginning_is_learned_once_with_the_topics_before_it() -> None:
    learned: list[tuple[set[str], str, bool]] = []
    profile: Profile | None = None
    history = [view(1, "shoes"), view(2, "shoes", "Product Added"), view(3, "socks"),
               view(4, "shoes"), view(5, "hats")]  # fmt: skip
    for happened in history:
        for effect in effects_of(happened, profile, CountedTransitions()):
            if isinstance(effect, Learn):
                learned.append((set(effect.previous), effect.topic, effect.first))
        profile = fold_all([happened], profile=profile)
    assert learned == [
        (set(), "product/shoes", True),
        ({"product/shoes"}, "product/socks", False),
        ({"product/shoes", "product/socks"}, "product/hats", False),
    ]


def test_a_pair_without_room_is_counted_nowhere() -> None:
    learned = CountedTransitions({"shoes": 1})
    increments: dict[str, dict[str, int]] = {}
    for number in range(MAX_FOLLOWING + 1):
        learned.learn(("shoes",), f"topic-{number}", BEGIN, False, increments)
    assert sum(increments["transitions"].values()) == learned.gone_on("shoes") == MAX_FOLLOWING
    assert f"topic-{MAX_FOLLOWING}" not in learned.following("shoes")
    assert learned.begun[f"topic-{MAX_FOLLOWING}"] == 1


def test_of_many_known_topics_each_is_taught_equally_often() -> None:
    taught: Counter[str] = Counter()
    names = [f"product/{number}" for number in range(4 * MAX_TAUGHT)]
    for number in range(400):
        at = BEGIN + number * MINUTE
        dialogues = {name: advance(None, "details", "web", at) for name in (*names, "product/new")}
        beside = known_beside(dialogues, "product/new")
        assert len(set(beside)) == MAX_TAUGHT
        assert beside == known_beside(dict(reversed(dialogues.items())), "product/new")
        taught.update(beside)
    assert set(taught) == set(names)
    assert max(taught.values()) < 1.4 * 100 < 2 * min(taught.values())


def test_without_evidence_the_order_is_that_of_popularity() -> None:
    begun = {f"product/{number}": 50 - number for number in range(20)}
    learned = CountedTransitions(begun, totals={"customers": 10_000})
    query = OfferQuery("product/0", [("product/0", 1)], known=["product/0"], covers=anything)
    found = next_topics(query, learned, most=19)
    assert [offer.topic for offer in found] == list(begun)[1:]
    assert all(offer.combined == 1 for offer in found)


def test_counts_from_before_popularity_was_kept_are_made_up_for_once() -> None:
    """What a worker wrote that knew neither `lately` nor `totals`."""
    old = {"begun": {"product/a": 30, "product/b": 20}, "transitions": {}}
    written = {kind: dict(fields) for kind, fields in old.items()}
    learned = Learned(old)
    assert learned.transitions.popular == ["product/a", "product/b"]
    for number in range(3):
        at = BEGIN + number * 40 * DAY
        learned.transitions.learn(("product/a",), "product/c", at, True, written)
        again = Learned(written).everything()
        assert again == learned.everything()
        assert again["totals"]["customers"] == 50 + number + 1
