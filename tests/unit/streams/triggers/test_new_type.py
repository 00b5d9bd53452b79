"""A trigger type is one file: a made-up one is validated, fires, is archived and is shown."""

import msgspec
import pytest

from infra.demo.screen import colour_of
from infra.playbook.json_schema import playbook_schema
from infra.playbook.playbook_file import PlaybookError, parse_playbook
from schemas.effect import Folded
from schemas.models import Models
from schemas.trigger import Trigger
from streams.archive.rows import Place, trigger_columns
from streams.archive.tables import TRIGGER_COLUMNS
from streams.fold.fold import fold
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.triggers.candidate import Cause
from streams.triggers.kind import TriggerKind
from streams.triggers.registry import KINDS
from tests.harness.histories import MODELS, event
from tests.harness.simulated_customer import LADDERS
from tests.unit.api.test_pages import serve

# What would stand in streams/triggers/stage_first.py:


def first(
    change: Change, index: int, rule: CompiledRule, playbook: CompiledPlaybook, models: Models
) -> Cause | None:
    match = change.matches[index]
    return Cause(
        type="stage.first",
        cause=f"{match.topic}",
        occurred_at=change.event.occurred_at,
        decided_at=change.event.received_at,
        reason=f"first came to {match.topic}",
        why={"secret": 1, "topic": match.topic},
        topic=match.topic,
        stage=match.stage,
    )


KIND = TriggerKind(
    name="stage.first",
    label="came for the first time",
    colour="blue",
    fields=frozenset({"topic", "stages"}),
    required={"stages": "the `stages` it is about"},
    at_stage=first,
    archived=lambda why: {name: value for name, value in why.items() if name != "secret"},
)

# The registry line:


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, KIND.name, KIND)


RULE = (
    LADDERS
    + """
triggers:
  - {name: first, when: stage.first, topic: "product/*", stages: [cart]}
"""
)


def fired() -> Trigger:
    added = event("m1", name="Added", user_id="u1", properties={"category": "hats"})
    outcome = fold(None, "u1", added, parse_playbook(RULE, "new.yaml"), MODELS)
    assert isinstance(outcome, Folded)
    (trigger,) = [one for one in outcome.effects if isinstance(one, Trigger)]
    return trigger


def test_its_rules_are_validated() -> None:
    with pytest.raises(PlaybookError, match=r"a stage\.first trigger needs the `stages`"):
        parse_playbook(RULE.replace(", stages: [cart]", ""), "new.yaml")
    with pytest.raises(PlaybookError, match=r"'after' means nothing in a stage\.first trigger"):
        parse_playbook(RULE.replace("[cart]", "[cart], after: 3d"), "new.yaml")
    assert "stage.first" in playbook_schema()["$defs"]["TriggerRule"]["properties"]["when"]["enum"]


def test_it_fires() -> None:
    trigger = fired()
    assert (trigger.type, trigger.rule, trigger.decision) == ("stage.first", "first", "fire")
    assert trigger.reason == "first came to product/hats"


def test_it_is_archived() -> None:
    columns = dict(
        zip(TRIGGER_COLUMNS, trigger_columns([(Place("log", 0, 0), fired())]), strict=True)
    )
    assert columns["type"] == ["stage.first"]
    (why,) = columns["why"]
    assert msgspec.json.decode(why) == {"topic": "product/hats"}


async def test_it_is_shown() -> None:
    async with serve() as client:
        page = (await client.get("/")).text
    assert '<option value="stage.first">came for the first time</option>' in page
    assert colour_of("stage.first") == "blue"
