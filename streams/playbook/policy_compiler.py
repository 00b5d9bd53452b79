"""Caps, quiet hours, campaigns and complements of a playbook, checked and compiled."""

import re

from schemas.playbook import Cap, Playbook, QuietHours
from streams.playbook.errors import RuleError
from streams.playbook.parts import (
    CompiledCampaign,
    CompiledCap,
    CompiledPolicy,
    CompiledQuietHours,
    beginning_of,
)
from streams.playbook.places import check_topic, places_of
from streams.playbook.suggestions import choices
from streams.playbook.topics import family
from streams.values.durations import milliseconds

MAX_SPOKEN = 64
"""Times remembered under one name: the maximum of a cap."""

CHANNELS = (
    "all", "web", "app", "call", "email", "sms", "push", "chat", "letter", "store",
    "order", "delivery",
)  # fmt: skip
"""Names of caps, besides the channels of triggers."""

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAY = 86_400_000


def compile_cap(cap: Cap, where: str, errors: list[RuleError]) -> CompiledCap | None:
    """The cap; None where invalid, with every mistake appended to `errors`."""
    per = _duration(cap.per, f"{where}.per", errors)
    if not 1 <= cap.at_most <= MAX_SPOKEN:
        errors.append(RuleError(f"{where}.at_most", f"write 1 to {MAX_SPOKEN}"))
        return None
    return None if per is None else CompiledCap(cap.at_most, per)


def _duration(text: str | None, where: str, errors: list[RuleError]) -> int | None:
    if text is None:
        return None
    try:
        span = milliseconds(text)
    except ValueError as problem:
        errors.append(RuleError(where, str(problem)))
        return None
    if span == 0:
        errors.append(RuleError(where, "write more than 0"))
    return span


def _share(share: float, where: str, errors: list[RuleError]) -> None:
    if not 0 <= share < 1:
        errors.append(RuleError(where, "write a share from 0 up to, but not, 1: 0.1 is a tenth"))


def compile_policy(playbook: Playbook, errors: list[RuleError]) -> CompiledPolicy:
    """The policy; every mistake is appended to `errors`."""
    policy = playbook.policy
    spoken = [rule.then.channel for rule in playbook.triggers if rule.then.channel is not None]
    known = dict.fromkeys((*CHANNELS, *spoken))
    caps = {}
    for channel, cap in policy.caps.items():
        if channel not in known:
            said = f"no trigger speaks on {channel!r}; {choices(channel, known)}"
            errors.append(RuleError(f"policy.caps.{channel}", said))
        compiled = compile_cap(cap, f"policy.caps.{channel}", errors)
        if compiled is not None:
            caps[channel] = compiled
    _share(policy.holdout, "policy.holdout", errors)
    return CompiledPolicy(
        caps=caps,
        quiet=_quiet_hours(policy.quiet_hours, errors),
        one_offer_per=_duration(policy.one_offer_per, "policy.one_offer_per", errors),
        holdout=policy.holdout,
    )


def _quiet_hours(hours: QuietHours | None, errors: list[RuleError]) -> CompiledQuietHours | None:
    if hours is None:
        return None
    minutes = []
    for name in ("begin", "end"):
        found = _TIME.fullmatch(getattr(hours, name))
        if found is None:
            said = f"{getattr(hours, name)!r} is no time of day; write for example '21:30'"
            errors.append(RuleError(f"policy.quiet_hours.{name}", said))
        else:
            minutes.append(int(found[1]) * 60 + int(found[2]))
    if len(minutes) != 2:
        return None
    if minutes[0] == minutes[1]:
        said = "begins when it ends: customers would never or always be left alone"
        errors.append(RuleError("policy.quiet_hours", said))
    return CompiledQuietHours(minutes[0], minutes[1], hours.zone)


def compile_campaigns(
    playbook: Playbook, errors: list[RuleError]
) -> tuple[dict[str, CompiledCampaign], dict[tuple[str, str], tuple[CompiledCampaign, ...]]]:
    """The campaigns by name, and by the (family, stage) that converts; mistakes to `errors`."""
    campaigns = {}
    conversions: dict[tuple[str, str], tuple[CompiledCampaign, ...]] = {}
    for name, campaign in playbook.campaigns.items():
        where = f"campaigns.{name}"
        before = len(errors)
        if not name or "|" in name:
            errors.append(RuleError(where, "a campaign needs a name, without |"))
        if not campaign.stages:
            said = "name the stages that are a conversion"
            errors.append(RuleError(f"{where}.stages", said))
        check_topic(
            campaign.conversion,
            campaign.stages,
            f"{where}.conversion",
            f"{where}.stages",
            playbook,
            errors,
        )
        _share(campaign.holdout, f"{where}.holdout", errors)
        within = _duration(campaign.within, f"{where}.within", errors)
        if within is None or len(errors) > before:
            continue
        compiled = CompiledCampaign(
            name=name,
            topic=campaign.conversion,
            beginning=beginning_of(campaign.conversion),
            stages=campaign.stages,
            within=within,
            holdout=campaign.holdout,
        )
        campaigns[name] = compiled
        for place in places_of(campaign.conversion, campaign.stages, playbook.ladders):
            conversions[place] = (*conversions.get(place, ()), compiled)
    return campaigns, conversions


def compile_complements(playbook: Playbook, errors: list[RuleError]) -> dict[str, tuple[str, ...]]:
    """Topic -> its complements; a topic of a family without ladder is appended to `errors`."""
    for topic, others in playbook.complements.items():
        spoken = [(f"complements.{topic}", topic)]
        spoken += [(f"complements.{topic}[{at}]", other) for at, other in enumerate(others)]
        for where, name in spoken:
            if family(name) not in playbook.ladders:
                said = f"no ladder for {family(name)!r}; {choices(name, playbook.ladders)}"
                errors.append(RuleError(where, said))
            elif name == topic and where.endswith("]"):
                errors.append(RuleError(where, "a topic does not complement itself"))
    return dict(playbook.complements)
