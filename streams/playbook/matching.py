"""Matching of an event to topics and stages: exact names, then the path trie, never a scan."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from schemas.event import Event
from schemas.playbook import MatchRule, Playbook
from streams.playbook.errors import RuleError
from streams.playbook.paths import PathTrie, path_of
from streams.playbook.suggestions import choices
from streams.playbook.topics import Render, compile_template, family

MAX_ITEMS = 50
"""Maximum of items of one list (`each`) that are matched."""


class Match(msgspec.Struct, frozen=True, gc=False):
    """A topic and the stage an event brings it to."""

    topic: str
    stage: str
    place: tuple[str, str]
    """(topic family, stage): what the rules of a playbook are indexed by."""


class CompiledMatch(msgspec.Struct, frozen=True, gc=False):
    """A match rule with its template compiled."""

    render: Render
    stage: str
    place: tuple[str, str]
    each: str | None
    is_purchase: bool


class Dispatch(msgspec.Struct, frozen=True, gc=False):
    """The match rules of a playbook, indexed by event."""

    events: dict[str, tuple[CompiledMatch, ...]]
    contacts: dict[str, tuple[CompiledMatch, ...]]
    pages: PathTrie


def compile_matches(playbook: Playbook, errors: list[RuleError]) -> Dispatch:
    """The dispatch table of the playbook's match rules; mistakes are appended to `errors` and their
    rules left out."""
    events: dict[str, tuple[CompiledMatch, ...]] = {}
    contacts: dict[str, tuple[CompiledMatch, ...]] = {}
    pages = PathTrie()
    for index, rule in enumerate(playbook.match):
        where = f"match[{index}]"
        compiled = _compile(rule, where, playbook, errors)
        if compiled is None:
            continue
        if rule.event is not None:
            events[rule.event] = (*events.get(rule.event, ()), compiled)
        elif rule.contact is not None:
            contacts[rule.contact] = (*contacts.get(rule.contact, ()), compiled)
        elif rule.page is not None:
            try:
                pages.add(rule.page, compiled)
            except ValueError as problem:
                errors.append(RuleError(f"{where}.page", str(problem)))
    return Dispatch(events, contacts, pages)


def _compile(
    rule: MatchRule, where: str, playbook: Playbook, errors: list[RuleError]
) -> CompiledMatch | None:
    mistakes = []
    given = [name for name in ("event", "page", "contact") if getattr(rule, name) is not None]
    if len(given) != 1:
        mistakes.append(RuleError(where, "give exactly one of event, page and contact"))
    render: Render | None = None
    try:
        render = compile_template(rule.topic)
    except ValueError as problem:
        mistakes.append(RuleError(f"{where}.topic", str(problem)))
    name = family(rule.topic)
    ladder = playbook.ladders.get(name)
    if ladder is None:
        said = f"no ladder for {name!r}; {choices(name, playbook.ladders)}"
        mistakes.append(RuleError(f"{where}.topic", said))
    elif rule.stage not in ladder:
        said = f"{rule.stage!r} is no stage of {name!r}; {choices(rule.stage, ladder)}"
        mistakes.append(RuleError(f"{where}.stage", said))
    errors += mistakes
    if mistakes or render is None:
        return None
    return CompiledMatch(render, rule.stage, (name, rule.stage), rule.each, rule.order)


def match_event(event: Event, dispatch: Dispatch) -> tuple[list[Match], bool]:
    """The topics and stages of an event, each pair once, and whether the event is a purchase."""
    kind = event.type
    if kind == "track":
        rules = dispatch.events.get(event.name or "")
        if not rules:
            return [], False
        rule = rules[0]
        if rule.each is None and len(rules) == 1:  # the usual case
            return _apply_one(rule, event.properties)
        return _apply(rules, event.properties)
    if kind in ("page", "screen"):
        page = event.context.page
        properties = event.properties
        path = path_of(properties.get("path"), properties.get("url"))
        if path is None and page is not None:
            path = path_of(page.path, page.url)
        found = dispatch.pages.match(path) if path else []
        if not found:
            return [], False
        fields, rule = found[0]
        known = {**properties, **fields}
        return _apply_one(rule, known) if rule.each is None else _apply((rule,), known)
    if kind == "contact":
        rules = dispatch.contacts.get(event.name or "") or dispatch.contacts.get(
            f"channel:{event.channel}"
        )
        return _apply(rules, event.properties) if rules else ([], False)
    return [], False


def _apply_one(rule: CompiledMatch, properties: Mapping[str, Any]) -> tuple[list[Match], bool]:
    topic = rule.render(properties)
    return [] if topic is None else [Match(topic, rule.stage, rule.place)], rule.is_purchase


def _apply(
    rules: tuple[CompiledMatch, ...], properties: Mapping[str, Any]
) -> tuple[list[Match], bool]:
    if len(rules) == 1 and rules[0].each is None:
        return _apply_one(rules[0], properties)
    matches: list[Match] = []
    is_purchase = False
    for rule in rules:
        is_purchase = is_purchase or rule.is_purchase
        items = properties.get(rule.each) if rule.each else None
        sources: Iterable[Any] = items[:MAX_ITEMS] if items and isinstance(items, list) else ()
        for source in sources or (properties,):
            topic = rule.render(source) if isinstance(source, Mapping) else None
            if topic is not None:
                found = Match(topic, rule.stage, rule.place)
                if found not in matches:
                    matches.append(found)
    return matches, is_purchase
