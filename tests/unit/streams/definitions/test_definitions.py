"""Which definitions count, in which order they come into force, and what is done with those that
cannot be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kafka.definition_tail import DefinitionTail
from infra.playbook.active_definitions import DEFAULT_CHURN, ActiveDefinitions, Compiler
from infra.playbook.latest_playbook import LatestPlaybook
from infra.settings import Settings
from schemas.definition import CHURN_MODEL, PLAYBOOK, Definition, InForce
from schemas.event import Event
from streams.codec.codec import decode_envelope, encode_event
from streams.definitions.definitions import (
    Adoption,
    Definitions,
    adopt_event,
    adoption_of,
    decode_in_force,
    encode_in_force,
    version_of,
)
from tests.harness.histories import shop

names = st.text(max_size=12)


def written(trigger: str) -> str:
    return (
        "version: 1\n"
        "ladders: {product: [seen, bought]}\n"
        "match: [{topic: 'product/{product}', stage: seen, page: '/products/{product}'}]\n"
        f"triggers: [{{name: {trigger}, when: stage.reached, stages: [seen]}}]\n"
    )


def playbook(content: str, at: int, replaces: str | None = None) -> Definition:
    version = version_of(content)
    return Definition(
        kind=PLAYBOOK, version=version, content=content, at=at, by="a test", replaces=replaces
    )


FIRST = playbook(written("looked"), 10, "")
SECOND = playbook(written("noticed"), 20, FIRST.version)
WRONG = playbook("version: 99", 30, SECOND.version)


def test_a_change_made_in_ignorance_of_another_does_not_count() -> None:
    known = Definitions([FIRST, SECOND])
    ignorant = playbook(written("mine"), 25, FIRST.version)
    assert not known.add(ignorant)
    assert known.latest(PLAYBOOK) == SECOND
    assert known.add(playbook(written("mine"), 26, SECOND.version))
    assert known.add(playbook(written("whatever"), 27)), "made to replace whatever there is"
    assert known.count == 4


def test_of_many_first_ones_one_counts() -> None:
    others = [playbook(written(f"worker-{n}"), 11 + n, "") for n in range(3)]
    known = Definitions([FIRST, *others, FIRST])
    assert known.history(PLAYBOOK) == (FIRST,)


def test_a_return_to_an_earlier_version_is_an_adoption_of_its_own() -> None:
    back = playbook(FIRST.content, 40, SECOND.version)
    known = Definitions([FIRST, SECOND, back])
    assert known.latest(PLAYBOOK) == back
    assert known.find(PLAYBOOK, FIRST.version) == back
    assert known.find(PLAYBOOK, FIRST.version, 10) == FIRST


@given(st.dictionaries(names, st.builds(InForce, names, st.integers(0, 2**53))))
def test_what_is_in_force_survives_its_encoding(found: dict[str, InForce]) -> None:
    text = encode_in_force(found)
    assert decode_in_force(text) == found
    assert encode_in_force(dict(reversed(found.items()))) == text


def test_a_control_record_says_what_is_adopted_and_names_nobody() -> None:
    event = adopt_event(SECOND, 3, 1_000)
    ((read,), unreadable) = decode_envelope(encode_event(event))
    assert not unreadable
    assert adoption_of(read) == Adoption(PLAYBOOK, SECOND.version, 20)
    assert (read.key, read.user_id, read.anonymous_id) == (None, None, None)
    assert adopt_event(SECOND, 2, 9).message_id != adopt_event(SECOND, 3, 9).message_id
    assert adopt_event(SECOND, 3, 9).message_id == event.message_id


@pytest.mark.parametrize("properties", [{}, {"kind": 1}, {"kind": "playbook", "version": "v"}])
def test_a_control_record_that_says_nothing_sensible_is_none(properties: dict[str, object]) -> None:
    event = Event(message_id="m", type="adopt", occurred_at=1, received_at=1, properties=properties)
    assert adoption_of(event) is None


def active_definitions(
    *definitions: Definition, said: dict[str, InForce] | None = None
) -> ActiveDefinitions:
    found = Compiler(shop()).standing(Definitions(definitions), said or {})
    assert found is not None
    return found


def rules(active: ActiveDefinitions) -> list[str]:
    return list(active.playbook.rules)


def test_a_log_begins_with_the_first_playbook_and_a_watermark_goes_on_with_its_own() -> None:
    assert rules(active_definitions(FIRST, SECOND)) == ["looked"]
    said = {PLAYBOOK: InForce(SECOND.version, SECOND.at)}
    assert rules(active_definitions(FIRST, SECOND, said=said)) == ["noticed"]
    assert Compiler(shop()).standing(Definitions([FIRST]), said) is None, "not known yet"
    assert Compiler(shop()).standing(Definitions(), {}) is None


def test_the_same_content_published_again_at_another_time_is_as_good() -> None:
    again = playbook(SECOND.content, 30)
    said = {PLAYBOOK: InForce(SECOND.version, SECOND.at)}
    active = active_definitions(again, said=said)
    assert rules(active) == ["noticed"]
    assert active.in_force == said, "what the log says, not when it was published"
    begin = active_definitions(FIRST, again)
    after = Compiler(shop()).after(
        begin, Definitions([FIRST, again]), Adoption(PLAYBOOK, SECOND.version, SECOND.at)
    )
    assert after is not None
    assert after.in_force == said


def test_what_is_older_than_what_is_in_force_changes_nothing() -> None:
    known = Definitions([FIRST, SECOND])
    compiler = Compiler(shop())
    begin = compiler.standing(known, {})
    assert begin is not None
    second = compiler.after(begin, known, Adoption(PLAYBOOK, SECOND.version, SECOND.at))
    assert second is not None
    assert rules(second) == ["noticed"]
    assert compiler.after(second, known, Adoption(PLAYBOOK, FIRST.version, FIRST.at)) is second
    assert compiler.after(second, known, Adoption(PLAYBOOK, "unknown", 99)) is None


def test_what_cannot_be_used_leaves_the_one_before_in_force() -> None:
    known = Definitions([FIRST, SECOND, WRONG])
    compiler = Compiler(shop())
    begin = compiler.standing(known, {})
    assert begin is not None
    assert compiler.after(begin, known, Adoption(PLAYBOOK, WRONG.version, WRONG.at)) is begin
    said = {PLAYBOOK: InForce(WRONG.version, WRONG.at)}
    assert rules(active_definitions(FIRST, SECOND, WRONG, said=said)) == ["noticed"]
    only = playbook(WRONG.content, 1)
    assert rules(active_definitions(only)) == list(shop().rules), "the one of the settings"


def test_a_model_is_gone_by_once_it_is_adopted() -> None:
    model = Definition(
        kind=CHURN_MODEL,
        version="m",
        content='{"churn": {"r": 0.5, "fitted": true}}',
        at=15,
        by="t",
    )
    known = Definitions([FIRST, model])
    compiler = Compiler(shop())
    begin = compiler.standing(known, {})
    assert begin is not None
    assert begin.churn == DEFAULT_CHURN
    after = compiler.after(begin, known, Adoption(CHURN_MODEL, "m", 15))
    assert after is not None
    assert (after.churn.churn.r, after.churn.churn.fitted) == (0.5, True)
    assert after.playbook is begin.playbook


def test_who_only_looks_sees_the_latest_that_can_be_used() -> None:
    tail = DefinitionTail(Settings())
    latest = LatestPlaybook(tail, shop())
    assert latest() is shop() or latest().rules == shop().rules
    tail.known = Definitions([FIRST, SECOND])
    assert list(latest().rules) == ["noticed"]
    assert latest() is latest()
    tail.known.add(WRONG)
    assert list(latest().rules) == ["noticed"]
    assert latest.definition == SECOND
