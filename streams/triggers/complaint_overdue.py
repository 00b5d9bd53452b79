"""`complaint.overdue`: somebody complained and is still waiting. Every complaint has a clock.

The clock starts at the first stage of the case and stops at the last stage of the ladder, by the
times the events carry: a solution that is known when the clock runs out prevents it, in whatever
order it was told; one that is told later takes nothing back. A case that is opened again after it
was solved has a clock of its own.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from schemas.decisions import Decisions, Waiting
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Dialogue, Profile
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook, Place
from streams.playbook.parts import CompiledRule
from streams.playbook.places import Ladders, places_of
from streams.playbook.topics import family
from streams.profile.exits import exits_of, left_at, stage_now
from streams.triggers.candidate import Cause
from streams.triggers.fired import with_fired
from streams.triggers.kind import Deadline, Due, TriggerKind
from streams.values.durations import in_words


class OpenCase(msgspec.Struct, frozen=True, gc=False):
    """A case that waits for its solution."""

    topic: str
    stage: str
    """Where it stands."""
    opened_at: int
    """Milliseconds since 1970."""


def has_clock(topic: str, rule: CompiledRule) -> bool:
    """Whether the rule speaks of the topic; one that names no topic speaks of complaints."""
    return topic.startswith("complaint/") if rule.topic == "*" else rule.covers(topic)


def promised(topic: str, playbook: CompiledPlaybook) -> int:
    """Within how many milliseconds every case of this topic is to be solved, whoever the customer
    is and wherever it stands; the shortest of several rules, 0 where there is none."""
    rules = playbook.promises.get(family(topic), ())
    return min((rule.after for rule in rules if has_clock(topic, rule)), default=0)


def opened_at(
    dialogue: Dialogue,
    ranks: Mapping[str, int],
    remembered: int | None = None,
    exits: bytes = b"",
) -> int | None:
    """Since when (milliseconds) the present case is open, None where it is solved, or withdrawn:
    the stage that opened it was left.

    `remembered` is what `reopened` kept: of a case that was opened again several times the dialogue
    itself knows the latest opening only.
    """
    last = max(ranks, key=lambda stage: ranks[stage], default=None)
    solved = dialogue.stages.get(last) if last is not None else None
    solved_at = solved.last_at if solved is not None else 0
    first = min(ranks, key=lambda stage: ranks[stage], default=None)
    opening = dialogue.stages.get(first) if first is not None else None
    if opening is None:  # it was not told how it began
        begun = [stage for stage in dialogue.stages if stage != last]
        if not begun:
            return None
        first = min(
            begun,
            key=lambda stage: (dialogue.stages[stage].first_at, dialogue.stages[stage].last_at),
        )
        opening = dialogue.stages[first]
    if first is not None:
        solved_at = max(solved_at, left_at(exits, first))
    if opening.last_at <= solved_at:
        return None
    if opening.first_at > solved_at:
        return opening.first_at
    if remembered is not None and solved_at < remembered <= opening.last_at:
        return remembered
    return opening.last_at


def reopened(
    cases: dict[str, int], profile: Profile, topics: Iterable[str], playbook: CompiledPlaybook
) -> dict[str, int]:
    """The memory of when cases were opened again, after an event on `topics`; without the solved
    ones and those whose dialogue was given up."""
    dialogues = profile.dialogues
    after = {topic: at for topic, at in cases.items() if topic in dialogues}
    for topic in topics:
        dialogue = dialogues.get(topic)
        if dialogue is None:
            continue
        ranks, left = playbook.ranks.get(family(topic), {}), exits_of(profile.exits, topic)
        at = opened_at(dialogue, ranks, after.get(topic), left)
        if at is None or all(span.first_at >= at for span in dialogue.stages.values()):
            after.pop(topic, None)
        else:
            after[topic] = at
    return after if after != cases else cases


def open_cases(
    decisions: Decisions, profile: Profile, rule: CompiledRule, playbook: CompiledPlaybook
) -> list[OpenCase]:
    """Every open case the rule covers that it has not spoken of, the longest waiting first."""
    found = []
    for topic, dialogue in profile.dialogues.items():
        if not has_clock(topic, rule):
            continue
        ranks = playbook.ranks.get(family(topic), {})
        stage = stage_now(dialogue, profile.exits, topic, ranks)
        at_stage = playbook.rules_at("complaint.overdue", (family(topic), stage))
        if all(other is not rule for other in at_stage):
            continue
        left = exits_of(profile.exits, topic)
        at = opened_at(dialogue, ranks, decisions.cases.get(topic), left)
        if at is not None and decisions.fired.get(f"{rule.name}|{topic}", 0) < at:
            found.append(OpenCase(topic, stage, at))
    found.sort(key=lambda case: (case.opened_at, case.topic))
    return found


def overdue(case: OpenCase, rule: CompiledRule, due: int, decided_at: int) -> Cause:
    """The cause, in words: since when somebody has been waiting, and where the case stands."""
    return Cause(
        type="complaint.overdue",
        cause=f"{case.topic}\x1f{case.opened_at}",
        occurred_at=due,
        decided_at=decided_at,
        reason=f"{case.topic} has been open for {in_words(rule.after)} and stands at {case.stage}",
        why={
            "opened_at": case.opened_at,
            "due": case.opened_at + rule.after,
            "open_ms": due - case.opened_at,
            "after_ms": rule.after,
        },
        topic=case.topic,
        stage=case.stage,
    )


def track_cases(change: Change, decisions: Decisions, playbook: CompiledPlaybook) -> Decisions:
    """The memory of when cases were opened again, after the event of the change."""
    if not playbook.by_place.get("complaint.overdue"):
        return decisions
    cases = decisions.cases
    topics = []
    for match in change.matches:
        topic = match.topic
        rules = playbook.rules_at("complaint.overdue", match.place)
        if topic in cases or (rules and any(has_clock(topic, rule) for rule in rules)):
            topics.append(topic)
    if not topics:
        return decisions
    after = reopened(cases, change.after, topics, playbook)
    return decisions if after is cases else replace(decisions, cases=after)


def track_merged_cases(profile: Profile, playbook: CompiledPlaybook) -> Decisions:
    """The memory of when cases were opened again, by all dialogues of a merged profile."""
    decisions = profile.decisions
    if not playbook.by_place.get("complaint.overdue"):
        return decisions
    after = reopened(decisions.cases, profile, profile.dialogues, playbook)
    return replace(decisions, cases=after)


def _due_at(
    profile: Profile,
    decisions: Decisions,
    rule: CompiledRule,
    playbook: CompiledPlaybook,
    models: Models,
) -> int | None:
    cases = open_cases(decisions, profile, rule, playbook)
    return cases[0].opened_at + rule.after if cases else None


def _came_due(
    profile: Profile, rule: CompiledRule, timer: Event, playbook: CompiledPlaybook, models: Models
) -> Due:
    due, decisions = timer.occurred_at, profile.decisions
    causes = []
    for case in open_cases(decisions, profile, rule, playbook):
        if case.opened_at + rule.after > due:
            break
        causes.append(overdue(case, rule, due, timer.received_at))
        decisions = with_fired(decisions, rule, case.topic, case.opened_at, profile.dialogues)
    return Due(decisions, causes, _due_at(profile, decisions, rule, playbook, models))


def _places(rule: CompiledRule, ladders: Ladders) -> list[Place]:
    """Where somebody waits for an answer: every stage but the last of the ladder."""
    topic = "complaint/*" if rule.topic == "*" and "complaint" in ladders else rule.topic
    places = places_of(topic, rule.stages, ladders)
    return [(name, stage) for name, stage in places if stage != ladders[name][-1]]


def _still_open(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    topic = waiting.topic or ""
    dialogue = profile.dialogues.get(topic)
    if dialogue is None:
        return False
    remembered = profile.decisions.cases.get(topic)
    ranks = playbook.ranks.get(family(topic), {})
    left = exits_of(profile.exits, topic)
    return opened_at(dialogue, ranks, remembered, left) == waiting.why.get("opened_at")


COMPLAINT_OVERDUE = TriggerKind(
    promises=True,
    name="complaint.overdue",
    label="complaint overdue",
    colour="magenta",
    fields=frozenset({"topic", "stages", "after"}),
    required={"after": "`after`, for example after: 48h"},
    places=_places,
    deadline=Deadline(armed_by=lambda rule: "stage", due_at=_due_at, came_due=_came_due),
    still_holds=_still_open,
    tells_staff=True,
)
