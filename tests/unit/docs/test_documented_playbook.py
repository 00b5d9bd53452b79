"""Every example in docs/reference/playbook.md compiles and does what it says, on a history of its
own."""

import re

import pytest
import yaml

from infra.playbook.playbook_file import parse_playbook
from schemas.event import Event
from schemas.models import ChurnModels
from schemas.playbook import Playbook, TriggerRule
from schemas.profile import Profile
from streams.definitions.dry_run import DryRun
from streams.fold.timers import timer_event
from streams.playbook.compiled import CompiledPlaybook
from streams.profile.exits import exits_of, stages_in_force
from streams.segments.facts import FACTS
from streams.segments.membership import SEGMENTS_KIND
from streams.segments.relationship import relationship_of
from tests.harness.histories import BEGIN, DAY, MINUTE, MODELS, SHOP, event, fold_all
from tests.harness.paths import DOCS

MANUAL = (DOCS / "reference" / "playbook.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
NOON = BEGIN + 12 * 60 * MINUTE
YEAR = 365 * DAY


def compiled(block: str) -> CompiledPlaybook:
    """The example, with what it leaves out taken from the playbook that ships."""
    shop = SHOP.read_text(encoding="utf-8")
    parts = re.split(r"^(?=[a-z]+:)", shop, flags=re.MULTILINE)[1:]
    missing = [
        part
        for part in parts
        if part.startswith(("version:", "ladders:", "match:"))
        and part.partition(":")[0] not in yaml.safe_load(block)
    ]
    return parse_playbook("".join(missing) + block, "docs/reference/playbook.md")


BOOKS = [compiled(block) for block in BLOCKS]


def at(days: float, name: str | None, kind: str = "track", /, **properties: object) -> Event:
    """What ann does, so many days after noon of the first one."""
    when = NOON + int(days * DAY)
    channel = str(properties.pop("channel", "call" if kind == "contact" else "web"))
    key = str(properties.pop("user", "ann"))
    return event(
        f"{key} {kind} {name} {days} {properties}", kind, name=name, user_id=key, channel=channel,
        occurred_at=when, properties=properties,
    )  # fmt: skip


def bought(days: float, total: float = 60, category: str = "shoes", user: str = "ann") -> Event:
    products = [{"category": category}]
    return at(days, "Order Completed", total=total, currency="EUR", products=products, user=user)


def carted(days: float, category: str = "shoes") -> Event:
    return at(days, "Product Added", category=category)


AGREED = at(0, None, "identify", consent={"email": True}, name="Ann")
COMPLAINED = at(1, "complaint.opened", "contact", about="delivery")
REFERRED = at(1, "Product Shared", category="shoes")
OTHERS = [
    happened
    for index in range(80)
    for happened in (
        bought(index / 1000, user=f"c{index}"),
        at(0.1 + index / 1000, "Product Viewed", category="socks", user=f"c{index}"),
        at(0.2 + index / 1000, "Product Viewed", category="hats", user=f"d{index}"),
        at(0.3 + index / 1000, "Product Viewed", category=f"rare-{index}", user=f"d{index}"),
    )
]

TRIGGERS: dict[str, tuple[list[Event], list[Event]]] = {
    "cart-left": ([AGREED, bought(0.1), bought(0.2), carted(1, "hats")],
                  [AGREED, bought(0.1), bought(0.2)]),
    "interest": ([carted(0)], [at(0, "Product Clicked", category="shoes")]),
    "not-seen": ([bought(0)], [AGREED]),
    "leaving": ([bought(0), bought(7), bought(14)], [bought(0)]),
    "comes-less": ([at(day, "Product Clicked", category="x") for day in range(20)],
                   [at(day, "Product Clicked", category="x") for day in range(3)]),
    "cancelling": ([at(0, "Subscription Cancel Requested", plan="gold")],
                   [at(0, "Subscription Started", plan="gold")]),
    "next-offer": ([*OTHERS, bought(1)], [bought(1)]),
    "now-loyal": ([bought(0), bought(1), bought(2)], [bought(0), bought(1)]),
    "complaint-waits": ([COMPLAINED],
                        [COMPLAINED, at(2, "complaint.resolved", "contact", about="delivery")]),
    "call-back": ([COMPLAINED], [bought(0)]),
    "say-sorry": ([AGREED, COMPLAINED], [COMPLAINED]),
    "won-an-advocate": ([at(0, "Invite Sent")], [bought(0)]),
    "gone-quiet": ([bought(0)], [carted(0)]),
    "thanks": ([AGREED, bought(0)], [AGREED, carted(0)]),
    "spring-mail": ([AGREED, carted(0)], [AGREED, bought(0)]),
}  # fmt: skip
"""Trigger -> a history that makes it fire, and one that does not."""

HELD_BACK = {"ask-to-recommend": ([AGREED, bought(0)], "priority")}
"""Trigger -> a history, and what holds it back."""

SEGMENTS: dict[str, tuple[list[Event], list[Event]]] = {
    "generous": ([bought(0), bought(1)], [bought(0)]),
    "loyal": ([bought(0), bought(1), bought(2)], [bought(0), bought(1)]),
    "hesitating": ([at(0, "Checkout Started", products=[{"category": "shoes"}])], [carted(0)]),
    "caller": ([COMPLAINED, at(2, "complaint.working", "contact", about="x")], [COMPLAINED]),
    "recommends": ([at(0, "Invite Sent")], [bought(0)]),
    "slipping": ([bought(0), bought(1), carted(70)], [bought(0), bought(1), carted(5)]),
    "gold-but-silent": ([at(0, None, "identify", plan="gold")],
                        [at(0, None, "identify", plan="gold"), bought(1)]),
}  # fmt: skip
"""Segment -> a history that leads into it, and one that does not."""

RELATIONSHIP = {
    "prospect": [carted(0)],
    "first purchase": [bought(0)],
    "regular": [bought(0), bought(1)],
    "advocate": [at(0, "Invite Sent")],
    "partner": [*(bought(day) for day in range(10)),
                *(at(day, "Invite Sent") for day in range(3))],
    "dormant": [bought(-200)],
    "blocked": [bought(0), at(1, None, "identify", fraud=True)],
}  # fmt: skip

MATCHED = {
    "Product Viewed": (at(0, "Product Viewed", name="Shoes"), "product/shoes", "details"),
    "Product Added": (carted(0), "product/shoes", "cart"),
    "Order Completed": (bought(0), "product/shoes", "purchase"),
    "**/products/{product}": (at(0, None, "page", path="/de/products/hat"), "product/hat",
                              "introduction"),
    "complaint.opened": (COMPLAINED, "complaint/delivery", "opened"),
    "complaint.resolved": (at(0, "complaint.resolved", "contact", about="x"), "complaint/x",
                           "resolved"),
    "/courses/{course}": (at(0, None, "page", path="/courses/piano"), "course/piano", "looked"),
    "channel:call": (at(0, "any", "contact", about="piano"), "course/piano", "asked"),
    "Course Joined": (at(0, "Course Joined", course="piano"), "course/piano", "joined"),
    "Invite Sent": (at(0, "Invite Sent"), "referral/friends", "recommended"),
}  # fmt: skip
"""What a match rule names -> an event, and the topic and stage it leads to."""

LEFT = {
    "Product Removed": (carted(0), at(1, "Product Removed", category="shoes"), "product/shoes",
                        "cart"),
    "Cart Emptied": (carted(0), at(1, "Cart Emptied"), "product/shoes", "cart"),
    "Order Cancelled": (bought(0), at(1, "Order Cancelled", products=[{"category": "shoes"}]),
                        "product/shoes", "purchase"),
    "subscription.keep": (None, at(1, "subscription.keep", "contact", plan="gold"),
                          "subscription/gold", "cancelling"),
}  # fmt: skip
"""What a match rule names -> what leads to a stage, what leaves it, the topic and the stage."""

_rules: list[tuple[CompiledPlaybook, TriggerRule]] = [
    (playbook, rule) for playbook in BOOKS for rule in playbook.source.triggers
]
_segments = [(playbook, name) for playbook in BOOKS for name in playbook.source.segments]
_matches = [
    (playbook, rule.event or rule.page or rule.contact or "")
    for playbook, block in zip(BOOKS, BLOCKS, strict=True)
    if "match" in yaml.safe_load(block)
    for rule in playbook.source.match
    if rule.stage is not None
]
_leaving = [
    (playbook, rule.event or rule.contact or "")
    for playbook in BOOKS
    for rule in playbook.source.match
    if rule.leaves
    and playbook.source.items.get("product", ())[:2] == ("product_id", "sku")
    and playbook.source.orders.id
]


def tried(playbook: CompiledPlaybook, history: list[Event]) -> DryRun:
    """What the playbook says of the history and the year after it."""
    dry_run = DryRun(playbook, ChurnModels())
    for happened in sorted(history, key=lambda one: one.received_at):
        dry_run.happen(happened)
    dry_run.pass_until(NOON + YEAR)
    return dry_run


def test_the_manual_has_examples_of_everything() -> None:
    parts = {part for block in BLOCKS for part in yaml.safe_load(block)}
    assert parts == set(Playbook.__struct_fields__)
    assert {rule.when for _, rule in _rules} >= {
        "stage.reached", "stage.stalled", "silence", "churn.risk", "offer.next", "segment.entered",
        "lifecycle.changed", "complaint.overdue",
    }  # fmt: skip


@pytest.mark.parametrize(("playbook", "rule"), _rules, ids=[rule.name for _, rule in _rules])
def test_an_example_of_a_trigger_fires_when_it_says(
    playbook: CompiledPlaybook, rule: TriggerRule
) -> None:
    if rule.name in HELD_BACK:
        history, reason = HELD_BACK[rule.name]
        assert tried(playbook, history).tally().rules[rule.name].suppressed == {reason: 1}
        return
    fires, does_not = TRIGGERS[rule.name]
    assert tried(playbook, fires).tally().rules[rule.name].fired >= 1
    assert tried(playbook, does_not).tally().rules[rule.name].fired == 0


@pytest.mark.parametrize(("playbook", "name"), _segments, ids=[name for _, name in _segments])
def test_an_example_of_a_segment_holds_whom_it_says(playbook: CompiledPlaybook, name: str) -> None:
    inside, outside = SEGMENTS[name]
    assert name in fold_all(inside, "ann", playbook=playbook).decisions.segments
    assert name not in fold_all(outside, "ann", playbook=playbook).decisions.segments


def test_the_passing_of_days_alone_leads_into_a_segment() -> None:
    (playbook,) = {
        id(playbook): playbook for playbook, name in _segments if name == "slipping"
    }.values()
    profile = fold_all([bought(0), bought(1)], "ann", playbook=playbook)
    for _ in range(70):
        due = profile.decisions.deadlines.get(SEGMENTS_KIND)
        if due is None or "slipping" in profile.decisions.segments:
            break
        profile = fold_all([timer_event("ann", SEGMENTS_KIND, due, due)], "ann", profile, playbook)
    assert "slipping" in profile.decisions.segments


@pytest.mark.parametrize("stage", RELATIONSHIP)
def test_the_example_of_the_relationship_knows_every_stage(stage: str) -> None:
    base = next(playbook for playbook in BOOKS if playbook.source.relationship.partner is not None)
    profile: Profile = fold_all(RELATIONSHIP[stage], "ann", playbook=base)
    assert relationship_of(profile, NOON + 20 * DAY, base, MODELS) == stage


@pytest.mark.parametrize(("playbook", "named"), _matches, ids=[named for _, named in _matches])
def test_an_example_of_a_match_leads_where_it_says(playbook: CompiledPlaybook, named: str) -> None:
    happened, topic, stage = MATCHED[named]
    assert stage in fold_all([happened], "ann", playbook=playbook).dialogues[topic].stages


@pytest.mark.parametrize(("playbook", "named"), _leaving, ids=[name for _, name in _leaving])
def test_an_example_of_leaving_leaves_the_stage(playbook: CompiledPlaybook, named: str) -> None:
    reached, leaves, topic, stage = LEFT[named]
    profile = fold_all([one for one in (reached, leaves) if one], "ann", playbook=playbook)
    assert exits_of(profile.exits, topic)
    dialogue = profile.dialogues.get(topic)
    assert dialogue is None or stage not in stages_in_force(dialogue, profile.exits, topic)


def test_the_examples_tell_of_orders() -> None:
    (playbook,) = {id(one): one for one, _ in _leaving}.values()
    told = [at(0, "Order Completed", basket_no="7", total=50, currency="EUR"),
            at(1, "Order Completed", basket_no="7", total=50, currency="EUR"),
            at(2, "Order Updated", basket_no="7", total=60, currency="EUR"),
            at(3, "Order Refunded", basket_no="7", total=20)]  # fmt: skip
    life = fold_all(told, "ann", playbook=playbook).lifecycle
    assert (life.purchases, life.spend) == (1, {"EUR": 4000})


def test_the_table_of_facts_is_the_one_of_the_language() -> None:
    table = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (.*) \|$", MANUAL, re.MULTILINE)
    assert [row for row in table if row[0] in FACTS] == [
        (name, fact.kind, fact.group, fact.description) for name, fact in FACTS.items()
    ]


def test_every_field_of_a_trigger_is_in_the_manual() -> None:
    for field in TriggerRule.__struct_fields__:
        assert f"| `{field.removesuffix('_')}` |" in MANUAL, field
