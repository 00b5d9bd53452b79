"""The compiled playbook answers what the fold asks."""

import msgspec
import pytest
import yaml

from schemas.playbook import Playbook
from streams.values.durations import in_words, milliseconds
from tests.harness.histories import SHOP, shop


def test_every_stage_has_its_rank_and_strange_ones_have_none() -> None:
    compiled = shop()
    ladder = ["introduction", "details", "cart", "checkout", "purchase"]
    assert [compiled.rank("product/shoes", stage) for stage in ladder] == [0, 1, 2, 3, 4]
    assert compiled.rank("product/shoes", "resolved") == -1
    assert compiled.rank("weather/rain", "cart") == -1


def test_rules_stand_where_the_fold_looks_for_them() -> None:
    compiled = shop()
    assert [rule.name for rule in compiled.by_place["stage.reached"]["product", "cart"]] == [
        "interest"
    ]
    assert ("product", "introduction") not in compiled.by_place["stage.reached"]
    assert [rule.name for rule in compiled.by_place["stage.stalled"]["product", "checkout"]] == [
        "cart-left"
    ]
    assert [rule.name for rule, _ in compiled.purchase_deadlines] == ["leaving"]
    assert compiled.rules["cart-left"].after == 30 * 60_000


def test_a_rule_covers_its_topics_and_no_others() -> None:
    (rule,) = shop().by_place["stage.reached"]["product", "cart"]
    assert rule.covers("product/shoes")
    assert not rule.covers("products/shoes")
    assert not rule.covers("complaint/delivery")
    (leaving,) = shop().by_kind["churn.risk"]
    assert leaving.covers("anything/at-all")


def test_every_match_of_the_shipped_playbook_leads_to_a_stage_of_its_ladder() -> None:
    playbook = msgspec.convert(yaml.safe_load(SHOP.read_text()), Playbook)
    for rule in playbook.match:
        for stage in (*((rule.stage,) if rule.stage else ()), *rule.leaves):
            assert rule.topic is not None
            assert stage in playbook.ladders[rule.topic.partition("/")[0]]


@pytest.mark.parametrize(
    ("text", "span"),
    [("90s", 90_000), ("30m", 1_800_000), (" 24 h ", 86_400_000), ("7d", 604_800_000),
     ("2w", 1_209_600_000), ("0s", 0)],
)  # fmt: skip
def test_durations_as_people_write_them(text: str, span: int) -> None:
    assert milliseconds(text) == span


@pytest.mark.parametrize("text", ["", "30", "m", "1.5h", "-3d", "3 months", "30m 10s", "٣x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        milliseconds(text)


@pytest.mark.parametrize(
    ("span", "words"),
    [(1_800_000, "30 minutes"), (60_000, "1 minute"), (90_000, "90 seconds"),
     (1_000, "1 second"), (0, "0 seconds"), (-5, "0 seconds"), (3 * 86_400_000, "3 days"),
     (25 * 3_600_000, "25 hours"), (15 * 86_400_000, "2 weeks")],
)  # fmt: skip
def test_durations_in_words(span: int, words: str) -> None:
    assert in_words(span) == words
