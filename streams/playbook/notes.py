"""Warnings about a valid playbook: segments and names that nothing uses."""

from collections.abc import Iterable

from streams.playbook.compiled import CompiledPlaybook


def notes(playbook: CompiledPlaybook) -> list[str]:
    """One sentence each: segments without a rule, and unused names."""
    source = playbook.source
    rules = source.triggers
    said = []
    asked = {rule.segment for rule in rules}
    expressions = [rule.if_ for rule in rules if rule.if_ is not None]
    for name in source.segments:
        if name not in asked and not any(name in text for text in expressions):
            said.append(f"no trigger acts on the segment {name!r}")
    for what, names, used in (
        ("endpoint", source.endpoints, {rule.then.endpoint for rule in rules}),
        ("template", source.templates, {rule.then.template for rule in rules}),
        ("campaign", source.campaigns, {rule.campaign for rule in rules}),
    ):
        said += [f"no trigger uses the {what} {name!r}" for name in _unused(names, used)]
    return said


def _unused(names: Iterable[str], used: set[str | None]) -> list[str]:
    return [name for name in names if name not in used]
