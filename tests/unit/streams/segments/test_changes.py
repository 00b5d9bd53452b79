"""Looking only at what an event can have changed finds what looking at everything finds."""

from hypothesis import given, settings
from msgspec.structs import replace

from infra.playbook.playbook_file import parse_playbook
from schemas.effect import Folded
from schemas.event import Event
from schemas.profile import Profile
from streams.fold.fold import fold
from streams.segments.changes import watched
from streams.segments.facts import FACTS
from tests.harness.histories import BEGIN, MODELS, SHOP, event, fold_all, histories

SEGMENTS = {
    "known": "known && size(customer_id) > 0",
    "named": 'has(traits.name) && traits.name == "Ann"',
    "asked": '"email" in consent || "all" in consent',
    "new": "purchases == 0",
    "spends": "spend > 50.0 && average_order > 20.0",
    "spends-euro": "has(spend_in.EUR) && spend_in.EUR > 10.0",
    "curious": "size(topics) >= 2 && size(topics) < 4",
    "hesitates": 'topics.exists(name, furthest[name] == "cart")',
    "went-back": "dialogues.exists(name, dialogues[name].stage != dialogues[name].furthest)",
    "talks": 'channels.exists(name, name != "web")',
    "waits": "open_complaints > 0",
    "content": "solved_complaints > 0 && open_complaints == 0",
    "recommends": "referrals >= 1",
    "lively": "events >= 3 && events < 6 && !hot",
    "regular": 'relationship == "regular"',
    "prospect": 'relationship == "prospect" || "product/x" in topics',
    "everybody": "true",
}
BY_TIME = {fact for fact, about in FACTS.items() if about.group in ("time", "quiet", "models")}

_TEXT = SHOP.read_text(encoding="utf-8").replace(
    "\ntriggers:\n",
    "\nsegments:\n"
    + "".join(f"  {name}: {{if: '{text}'}}\n" for name, text in SEGMENTS.items())
    + "relationship: {advocate: referrals >= 1, blocked: open_complaints > 1}\n"
    "triggers:\n  - {name: in, when: segment.entered, segment: hesitates}\n",
)
BOOK = parse_playbook(_TEXT, "shop.yaml")
assert BOOK.relationship is not None
LOOKS_AT_EVERYTHING = replace(
    BOOK,
    watched=watched({"visits"}),
    segments_by_group={"visits": BOOK.segments},
    relationship=replace(BOOK.relationship, groups=frozenset({"visits"})),
)


def test_every_fact_that_only_events_change_is_asked_for() -> None:
    asked = {name for segment in BOOK.segments for name in segment.expression.names}
    assert {name for name, fact in FACTS.items() if fact.group not in ("cause", "segments")} == (
        asked | BY_TIME
    )


@settings(deadline=None)  # every segment at every event, twice
@given(histories(18))
def test_a_look_at_what_changed_is_a_look_at_everything(history: list[Event]) -> None:
    seldom: Profile | None = None
    always: Profile | None = None
    for happened in history:
        one = fold(seldom, "u1", happened, BOOK, MODELS)
        other = fold(always, "u1", happened, LOOKS_AT_EVERYTHING, MODELS)
        assert one == other
        if isinstance(one, Folded) and isinstance(other, Folded):
            seldom, always = one.profile, other.profile


def test_a_complaint_that_is_withdrawn_counts_as_open_no_longer() -> None:
    about = {"about": "delivery"}
    opened = event("m1", "contact", name="complaint.opened", properties=about, user_id="u1")
    withdrawn = event(
        "m2", "contact", name="complaint.withdrawn", properties=about, user_id="u1",
        occurred_at=BEGIN + 1,
    )  # fmt: skip
    waiting = fold_all([opened], playbook=BOOK)
    assert "waits" in waiting.decisions.segments
    assert "waits" not in fold_all([withdrawn], "u1", waiting, BOOK).decisions.segments
