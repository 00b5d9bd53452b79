"""What `docs/explanation/offers.md` promises is so."""

import re

from infra.playbook.playbook_file import parse_playbook
from schemas.effect import Folded
from schemas.models import Models
from schemas.trigger import Trigger
from streams.fold.fold import fold
from streams.models.offers import MAX_LOOKED_AT, MAX_POPULAR, MAX_TAUGHT
from streams.models.transitions import CountedTransitions
from tests.harness.histories import event
from tests.harness.paths import DOCS

TEXT = (DOCS / "explanation" / "offers.md").read_text(encoding="utf-8")
WRITTEN = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0]
SHOP = parse_playbook(WRITTEN, "docs/explanation/offers.md")


def offered_for_shoes(learned: CountedTransitions) -> Trigger:
    viewed = event("m1", name="Product Viewed", user_id="ann", properties={"category": "shoes"})
    outcome = fold(None, "ann", viewed, SHOP, Models(learned))
    assert isinstance(outcome, Folded)
    (trigger,) = [effect for effect in outcome.effects if isinstance(effect, Trigger)]
    return trigger


def test_a_complement_is_offered_before_anybody_went_there() -> None:
    trigger = offered_for_shoes(CountedTransitions())
    assert trigger.topic == "product/socks"
    assert trigger.reason in " ".join(TEXT.split())


def test_what_customers_went_on_to_is_offered_with_the_share() -> None:
    learned = CountedTransitions()
    for number in range(30):
        for first, second in (("shoes", "laces"), ("coats", "hats")):
            for previous, topic in (((), first), ((f"product/{first}",), second)):
                learned.learn(previous, f"product/{topic}", number, not previous, {})
    trigger = offered_for_shoes(learned)
    assert trigger.topic == "product/laces"
    assert f"> {trigger.reason}\n" in TEXT


def test_the_numbers_are_those_of_the_code() -> None:
    words = {2: "two", 8: "eight"}
    assert f"the {MAX_POPULAR} most popular" in TEXT
    assert f"of {words[MAX_LOOKED_AT]} other topics" in " ".join(TEXT.split())
    assert f"up to {words[MAX_TAUGHT]} of the topics" in TEXT
