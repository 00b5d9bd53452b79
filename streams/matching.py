"""What happened -> which topic and stage: exact names first, then the path trie, never a scan."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from schemas.event import Event
from schemas.playbook import MatchRule, Playbook
from streams.paths import PathTrie, path_of
from streams.suggestions import choices
from streams.topics import Render, compile_template, family

MOST_ITEMS = 50
"""Items of one list (`each`) that are looked at."""


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
    order: bool


class Dispatch(msgspec.Struct, frozen=True, gc=False):
    """The match rules of a playbook by what they ask for."""

    events: dict[str, tuple[CompiledMatch, ...]]
    contacts: dict[str, tuple[CompiledMatch, ...]]
    pages: PathTrie


class RuleError(Exception):
    """A rule of the playbook is wrong. `where` is its path, such as `match[3].topic`."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


def compile_matches(playbook: Playbook) -> Dispatch:
    """The dispatch table of the playbook's match rules. RuleError on the first wrong rule."""
    events: dict[str, tuple[CompiledMatch, ...]] = {}
    contacts: dict[str, tuple[CompiledMatch, ...]] = {}
    pages = PathTrie()
    for index, rule in enumerate(playbook.match):
        where = f"match[{index}]"
        compiled = _compile(rule, where, playbook)
        if rule.event is not None:
            events[rule.event] = (*events.get(rule.event, ()), compiled)
        elif rule.contact is not None:
            contacts[rule.contact] = (*contacts.get(rule.contact, ()), compiled)
        elif rule.page is not None:
            try:
                pages.add(rule.page, compiled)
            except ValueError as problem:
                raise RuleError(f"{where}.page", str(problem)) from None
    return Dispatch(events, contacts, pages)


def _compile(rule: MatchRule, where: str, playbook: Playbook) -> CompiledMatch:
    given = [name for name in ("event", "page", "contact") if getattr(rule, name) is not None]
    if len(given) != 1:
        raise RuleError(where, "give exactly one of event, page and contact")
    try:
        render = compile_template(rule.topic)
    except ValueError as problem:
        raise RuleError(f"{where}.topic", str(problem)) from None
    ladder = playbook.ladders.get(family(rule.topic))
    if ladder is None:
        name = family(rule.topic)
        raise RuleError(
            f"{where}.topic", f"no ladder for {name!r}; {choices(name, playbook.ladders)}"
        )
    if rule.stage not in ladder:
        raise RuleError(
            f"{where}.stage",
            f"{rule.stage!r} is no stage of {family(rule.topic)!r}; {choices(rule.stage, ladder)}",
        )
    place = (family(rule.topic), rule.stage)
    return CompiledMatch(render, rule.stage, place, rule.each, rule.order)


def match_event(event: Event, dispatch: Dispatch) -> tuple[list[Match], bool]:
    """The topics and stages of an event, each pair once, and whether the event is an order."""
    kind = event.type
    if kind == "track":
        rules = dispatch.events.get(event.name or "")
        return _apply(rules, event.properties) if rules else ([], False)
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
        return _apply((rule,), {**properties, **fields})
    if kind == "contact":
        rules = dispatch.contacts.get(event.name or "") or dispatch.contacts.get(
            f"channel:{event.channel}"
        )
        return _apply(rules, event.properties) if rules else ([], False)
    return [], False


def _apply(
    rules: tuple[CompiledMatch, ...], properties: Mapping[str, Any]
) -> tuple[list[Match], bool]:
    if len(rules) == 1 and rules[0].each is None:  # most events by far
        rule = rules[0]
        topic = rule.render(properties)
        return [] if topic is None else [Match(topic, rule.stage, rule.place)], rule.order
    matches: list[Match] = []
    order = False
    for rule in rules:
        order = order or rule.order
        items = properties.get(rule.each) if rule.each else None
        sources: Iterable[Any] = items[:MOST_ITEMS] if items and isinstance(items, list) else ()
        for source in sources or (properties,):
            topic = rule.render(source) if isinstance(source, Mapping) else None
            if topic is not None:
                found = Match(topic, rule.stage, rule.place)
                if found not in matches:
                    matches.append(found)
    return matches, order
