"""What became of an offer is counted once, and offers that are taken are offered more."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas.decisions import Decisions, Offered
from schemas.effect import Count, Folded
from schemas.models import Models
from schemas.profile import Profile
from streams.fold.fold import fold
from streams.models.offer_outcomes import (
    KIND,
    MAX_OPEN,
    WINDOW_MS,
    beta_draw,
    choose,
    merge_offered,
    outcomes,
)
from streams.models.offers import NextTopic
from streams.models.transitions import CountedTransitions
from tests.harness.histories import BEGIN, MINUTE, event, law, shop

LEARNED = CountedTransitions(
    {"product/shoes": 100, "product/socks": 60, "product/hats": 100},
    {("product/shoes", "product/socks"): 100, ("product/coats", "product/hats"): 100},
    totals={"customers": 300},
)


def viewed(
    number: int,
    category: str,
    minutes: int,
    profile: Profile | None,
    name: str = "Product Viewed",
) -> Folded:
    at = BEGIN + minutes * MINUTE
    happened = event(f"m{number}", name=name, user_id="u1", occurred_at=at,
                     received_at=at, properties={"category": category})  # fmt: skip
    outcome = fold(profile, "u1", happened, shop(), Models(LEARNED))
    assert isinstance(outcome, Folded)
    return outcome


def bought(category: str, profile: Profile | None) -> Folded:
    """The shop that ships offers something next at a purchase."""
    return viewed(1, category, 0, profile, "Order Completed")


def counted(folded: Folded) -> list[str]:
    return [e.field for e in folded.effects if isinstance(e, Count) and e.kind == KIND]


def test_an_offer_is_shown_once_and_taken_once() -> None:
    shown = bought("shoes", None)
    assert counted(shown) == ["product/socks\x1fcustomer\x1fshown"]
    taken = viewed(2, "socks", 5, shown.profile)
    assert counted(taken) == ["product/socks\x1fcustomer\x1ftaken"]
    assert counted(viewed(3, "socks", 6, taken.profile)) == []


def test_what_comes_after_the_window_is_not_the_offers_doing() -> None:
    shown = bought("shoes", None)
    late = viewed(2, "socks", WINDOW_MS // MINUTE + 1, shown.profile)
    assert not any(field.endswith("taken") for field in counted(late))
    assert all(one.topic != "product/socks" for one in late.profile.decisions.offered)


def test_an_offer_held_back_is_no_outcome() -> None:
    cooling = Profile("u1", decisions=Decisions(fired={"next-offer": BEGIN - MINUTE}))
    held = bought("shoes", cooling)
    assert counted(held) == []
    assert held.profile.decisions.offered == ()


OFFERS = st.lists(
    st.builds(Offered, st.sampled_from("abcdef"), st.integers(0, 9), st.sampled_from("xy")),
    max_size=MAX_OPEN,
    unique_by=lambda one: one.topic,
)


@law
@given(OFFERS, OFFERS)
def test_offers_of_two_profiles_unite_in_any_order(
    one: list[Offered], other: list[Offered]
) -> None:
    merged = merge_offered(one, other)
    assert merged == merge_offered(other, one)
    assert merged == merge_offered(merged, other)
    assert len(merged) <= MAX_OPEN
    assert len({offered.topic for offered in merged}) == len(merged)


def candidate(topic: str, share: float) -> NextTopic:
    return NextTopic(topic, "product/shoes", share, 2.0, 10, 100, share, 2.0)


@law
@given(st.text(max_size=9), st.integers(0, 50), st.integers(0, 50))
def test_the_same_message_and_counts_choose_the_same(message: str, shown: int, taken: int) -> None:
    found = [candidate("a", 0.3), candidate("b", 0.25), candidate("c", 0.1)]
    counts = {"b\x1fx\x1fshown": shown + taken, "b\x1fx\x1ftaken": taken}
    one, again = (choose(found, counts, "x", message) for _ in range(2))
    assert (one.offer, one.sampled) == (again.offer, again.sampled)
    assert one.explored == (one.offer is not found[0])
    assert outcomes(counts, "b", "x") == (shown + taken, taken)


def test_draws_have_the_mean_and_variance_of_the_beta_distribution() -> None:
    drawn = [beta_draw(30, 70, f"m{number}") for number in range(4000)]
    mean = sum(drawn) / len(drawn)
    variance = sum((one - mean) ** 2 for one in drawn) / len(drawn)
    assert abs(mean - 0.3) < 0.003
    assert abs(variance - 0.3 * 0.7 / 101) < 0.0002


def test_a_clear_favourite_of_the_model_is_hardly_ever_passed_over_without_outcomes() -> None:
    found = [candidate("a", 0.4), candidate("b", 0.2)]
    chosen = Counter(choose(found, {}, "x", f"m{n}").offer.topic for n in range(500))
    assert chosen["a"] >= 495


def test_sampling_finds_the_offer_that_is_taken_more_often() -> None:
    """The model thinks more of `a`, customers take `b`: the regret stays below that of always
    offering what the model likes, and the second half is nearly all `b`."""
    rates = {"a": 0.05, "b": 0.20}
    found = [candidate("a", 0.12), candidate("b", 0.10)]
    for seed in range(5):
        chance = random.Random(seed)
        counts: Counter[str] = Counter()
        chosen: list[str] = []
        for number in range(4000):
            topic = choose(found, counts, "x", f"{seed}-{number}").offer.topic
            chosen.append(topic)
            counts[f"{topic}\x1fx\x1fshown"] += 1
            counts[f"{topic}\x1fx\x1ftaken"] += chance.random() < rates[topic]
        regret = sum(rates["b"] - rates[topic] for topic in chosen)
        assert regret < 0.3 * len(chosen) * (rates["b"] - rates["a"])
        assert chosen[2000:].count("b") > 0.9 * 2000
