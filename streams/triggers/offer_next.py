"""`offer.next`: what this customer will most likely want next."""

from collections.abc import Callable

from schemas.decisions import Decisions
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.models.offer_outcomes import KIND, MOST_COMPARED, Chosen, choose
from streams.models.offers import NextTopic, interests, next_topics
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.matching import Match
from streams.playbook.parts import CompiledRule
from streams.segments.facts import facts_of
from streams.triggers.candidate import Cause
from streams.triggers.stage_reached import LONGEST_NAME


def offer(
    profile: Profile,
    rule: CompiledRule,
    reached: Match,
    event: Event,
    book: CompiledPlaybook,
    models: Models,
) -> Cause | None:
    """The cause for the next topic of the customer, who is `profile` after the event; None while
    too few customers came from the topic that was reached, and where nothing is likelier than on
    average.

    What the customer has a dialogue on is no *next* topic; what was begun and left is the business
    of `stage.stalled`.
    """
    topic, stage = reached.topic, reached.stage
    found = next_topics(
        topic,
        interests(profile.dialogues, book.ranks),
        models.transitions,
        known=profile.dialogues,
        covers=rule.covers,
        eligible=_eligible(profile, rule, stage, event, book, models),
        complements=book.complements.get(topic, ()),
        most=MOST_COMPARED,
        popular=False,
        least=rule.least_customers,
    )
    if not found:
        return None
    segment = segment_of(profile)
    chosen = choose(found, models.learned.counts(KIND), segment, event.message_id)
    return Cause(
        type="offer.next",
        cause=f"{topic}\x1f{stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=in_words(chosen.offer),
        why={
            "message_id": event.message_id[:LONGEST_NAME],
            "at_stage": stage,
            **figures(chosen.offer),
            "segment": segment,
            "sampled": round(chosen.sampled, 4),
            "shown": chosen.shown,
            "taken": chosen.taken,
            "explored": chosen.explored,
            "others": _others(chosen, found),
        },
        topic=chosen.offer.topic,
        stage=stage,
    )


def rests(decisions: Decisions, rule: CompiledRule, now: int) -> bool:
    """Whether the rule has offered something lately and its cooldown runs at `now` (milliseconds).

    Nothing is looked for then, and so nothing is held back either: the search costs more than all
    the rest of the fold, and one click in five asks for it.
    """
    last = decisions.fired.get(rule.name) if rule.cooldown else None
    return last is not None and now - last < rule.cooldown


def in_words(offered: NextTopic) -> str:
    """Why the topic is likely, for a person."""
    topic, after = offered.topic, offered.after
    if offered.lift > 1:
        times = f"{offered.lift:.1f} times the average"
        return f"after {after} {offered.share:.0%} go to {topic}, {times}"
    if offered.complement:
        return f"{topic} goes well with {after}"
    return f"popular: lately many who did not know {topic} began it"


def figures(offered: NextTopic) -> dict[str, object]:
    """The figures behind the reason."""
    return {
        "from": offered.after,
        "share": round(offered.share, 4),
        "lift": round(offered.lift, 3),
        "seen": offered.seen,
        "of": offered.of,
    }


def segment_of(profile: Profile) -> str:
    """Whose outcomes are told apart: relationship stages, else whether somebody has bought."""
    return profile.decisions.relationship or (
        "customer" if profile.lifecycle.purchases else "prospect"
    )


def _eligible(
    profile: Profile,
    rule: CompiledRule,
    stage: str,
    event: Event,
    book: CompiledPlaybook,
    models: Models,
) -> Callable[[NextTopic], bool] | None:
    """The rule's condition, asked of each candidate."""
    condition = rule.condition
    if condition is None:
        return None

    def holds(offered: NextTopic) -> bool:
        cause = {
            "topic": offered.topic,
            "stage": stage,
            "share": round(offered.share, 4),
            "lift": round(offered.lift, 3),
        }
        return condition.holds(
            facts_of(condition.names, profile, event.received_at, book, models, cause)
        )

    return holds


def _others(chosen: Chosen, found: list[NextTopic]) -> list[dict[str, object]]:
    others = [other for other in found if other is not chosen.offer]
    return [{"topic": other.topic, "share": round(other.share, 4)} for other in others[:2]]
