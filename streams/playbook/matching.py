"""Matching of an event to topics and stages: exact names, then the path trie, never a scan."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from schemas.event import Event
from schemas.playbook import MatchRule, Playbook
from streams.playbook.errors import RuleError
from streams.playbook.event_names import by_folded_name, folded_name
from streams.playbook.paths import PathTrie, path_of
from streams.playbook.suggestions import choices
from streams.playbook.topics import (
    Render,
    compile_template,
    family,
    item_topics,
    template_fields,
)

MAX_ITEMS = 1000
"""Maximum of items of one list (`each`) that are matched; more is a quality finding."""

OrderStep = Literal["placed", "updated", "cancelled", "refunded"]
"""Step in the life of an order."""

_MAX_REMEMBERED = 4096
"""Products remembered of one rule."""
_MAX_REMEMBERED_LENGTH = 100


class Match(msgspec.Struct, frozen=True, gc=False):
    """A topic and the stage an event brings it to."""

    topic: str
    stage: str
    place: tuple[str, str]
    """(topic family, stage): what the rules of a playbook are indexed by."""
    items: tuple[str, ...] = ()
    """The topic that each name of an item alone would make: `product/p-1`, `product/sku-1`."""
    keys: tuple[str, ...] = ()
    """Of `items`, the first of each item."""
    is_group: bool = False
    """Whether the topic was named by a group of items (a category), not by an item."""
    can_be_left: bool = False
    """Whether a rule lets the dialogue leave this stage item by item."""


class Leave(msgspec.Struct, frozen=True, gc=False):
    """Stages that a topic leaves."""

    topic: str
    """A topic, or `family/*` for every topic of the family."""
    stages: tuple[str, ...]
    items: tuple[str, ...] = ()
    """As of `Match`, of one item; empty: the stages are left as a whole."""


class Matched(msgspec.Struct, frozen=True, gc=False):
    """What a playbook makes of an event."""

    matches: list[Match]
    """Each topic and stage once."""
    leaves: tuple[Leave, ...] = ()
    step: OrderStep | None = None
    """What the event tells of an order."""


NOTHING = Matched([])


class CompiledMatch(msgspec.Struct, frozen=True, gc=False):
    """A match rule with its template compiled."""

    make: Callable[[Mapping[str, Any]], Match | None] | None
    """The match from properties; None for a rule without a stage."""
    leave: Callable[[Mapping[str, Any]], Leave | None] | None
    each: str | None
    step: OrderStep | None


class Dispatch(msgspec.Struct, frozen=True, gc=False):
    """The match rules of a playbook, indexed by event."""

    events: dict[str, tuple[CompiledMatch, ...]]
    contacts: dict[str, tuple[CompiledMatch, ...]]
    pages: PathTrie
    folded: dict[str, tuple[CompiledMatch, ...]] = {}
    """`events` by folded name."""

    def rules_of(self, name: str) -> tuple[CompiledMatch, ...]:
        """The rules of a track event, whichever way its name is written."""
        found = self.events.get(name)
        return found if found is not None else self.folded.get(folded_name(name), ())

    def rules_of_contact(self, code: str, channel: str) -> tuple[CompiledMatch, ...]:
        """The rules of a contact event; those of its code before those of its channel."""
        return self.contacts.get(code) or self.contacts.get(f"channel:{channel}") or ()


def compile_matches(playbook: Playbook, errors: list[RuleError]) -> Dispatch:
    """The dispatch table of the playbook's match rules; mistakes are appended to `errors` and their
    rules left out."""
    events: dict[str, tuple[CompiledMatch, ...]] = {}
    contacts: dict[str, tuple[CompiledMatch, ...]] = {}
    pages = PathTrie()
    for name in playbook.items:
        if name not in playbook.ladders:
            said = f"no ladder for {name!r}; {choices(name, playbook.ladders)}"
            errors.append(RuleError(f"items.{name}", said))
    for index, rule in enumerate(playbook.match):
        where = f"match[{index}]"
        compiled = _compile(rule, where, playbook, errors)
        if compiled is None:
            continue
        if rule.event is not None:
            for name in (rule.event, *rule.also):
                events[name] = (*events.get(name, ()), compiled)
        elif rule.contact is not None:
            for name in (rule.contact, *rule.also):
                contacts[name] = (*contacts.get(name, ()), compiled)
        elif rule.page is not None:
            try:
                pages.add(rule.page, compiled)
            except ValueError as problem:
                errors.append(RuleError(f"{where}.page", str(problem)))
    return Dispatch(events, contacts, pages, by_folded_name(events))


def _compile(
    rule: MatchRule, where: str, playbook: Playbook, errors: list[RuleError]
) -> CompiledMatch | None:
    before = len(errors)
    given = [name for name in ("event", "page", "contact") if getattr(rule, name) is not None]
    if len(given) != 1:
        errors.append(RuleError(where, "give exactly one of event, page and contact"))
    if rule.also and rule.page is not None:
        errors.append(
            RuleError(f"{where}.also", "a page has no other names; write a rule for each")
        )
    step: OrderStep | None = "placed" if rule.order is True else rule.order or None
    if rule.stage is None and not rule.leaves and step in (None, "placed"):
        errors.append(RuleError(where, "give the stage it leads to, or the stages it leaves"))
    if rule.topic is None:
        if rule.stage is not None or rule.leaves:
            errors.append(RuleError(where, "missing required field `topic`"))
        return CompiledMatch(None, None, rule.each, step) if len(errors) == before else None
    ladder = _check_topic(rule, rule.topic, where, playbook, errors)
    if len(errors) > before or ladder is None:
        return None
    return CompiledMatch(
        None if rule.stage is None else _maker(rule, rule.topic, rule.stage, playbook),
        _leaver(rule.topic, rule.leaves, playbook) if rule.leaves else None,
        rule.each,
        step,
    )


def _check_topic(
    rule: MatchRule, topic: str, where: str, playbook: Playbook, errors: list[RuleError]
) -> tuple[str, ...] | None:
    """The ladder of the topic's family; mistakes are appended to `errors`."""
    whole = topic.endswith("/*")
    if whole and rule.stage is not None:
        said = f"{topic!r} is every topic of a family; name one with `stage`"
        errors.append(RuleError(f"{where}.topic", said))
    try:
        compile_template(topic)
    except ValueError as problem:
        errors.append(RuleError(f"{where}.topic", str(problem)))
    name = family(topic)
    ladder = playbook.ladders.get(name)
    if ladder is None:
        said = f"no ladder for {name!r}; {choices(name, playbook.ladders)}"
        errors.append(RuleError(f"{where}.topic", said))
        return None
    asked = [("stage", rule.stage)] if rule.stage is not None else []
    asked += [(f"leaves[{index}]", stage) for index, stage in enumerate(rule.leaves)]
    for at, stage in asked:
        if stage not in ladder:
            said = f"{stage!r} is no stage of {name!r}; {choices(stage, ladder)}"
            errors.append(RuleError(f"{where}.{at}", said))
    return ladder


def _maker(
    rule: MatchRule, topic: str, stage: str, playbook: Playbook
) -> Callable[[Mapping[str, Any]], Match | None]:
    """The function that makes a rule's match from an event's properties."""
    name = family(topic)
    place = (name, stage)
    render, items_of = compile_template(topic), _items_of(topic, playbook)
    has_items = bool(playbook.items.get(name)) and rule.page is None and "{" in topic
    can_be_left = has_items and any(
        stage in other.leaves and family(other.topic or "") == name for other in playbook.match
    )

    def make(fields: Mapping[str, Any]) -> Match | None:
        found = render(fields)
        if found is None:
            return None
        items = items_of(fields)
        is_group = has_items and found not in items
        return Match(found, stage, place, items, items[:1], is_group, can_be_left)

    return _remembered(topic, make, playbook)


def _remembered(
    topic: str, make: Callable[[Mapping[str, Any]], Match | None], playbook: Playbook
) -> Callable[[Mapping[str, Any]], Match | None]:
    """`make`, asked once for equal short texts: most products are seen many times."""
    one_field = template_fields(topic)
    if one_field is None:
        return make
    names = tuple(dict.fromkeys((*one_field[1], *playbook.items.get(family(topic), ()))))

    @lru_cache(maxsize=_MAX_REMEMBERED)
    def of_texts(*texts: str | None) -> Match | None:
        return make({name: text for name, text in zip(names, texts, strict=True) if text})

    def made(fields: Mapping[str, Any]) -> Match | None:
        texts = [fields.get(name) for name in names]
        for text in texts:
            if text is not None and not (type(text) is str and len(text) <= _MAX_REMEMBERED_LENGTH):
                return make(fields)
        return of_texts(*texts)

    return made


def _leaver(
    topic: str, stages: tuple[str, ...], playbook: Playbook
) -> Callable[[Mapping[str, Any]], Leave | None]:
    """The function that says which topic leaves the stages."""
    if topic.endswith("/*"):
        everything = Leave(topic, stages)
        return lambda fields: everything
    render: Render = compile_template(topic)
    items_of = _items_of(topic, playbook)

    def leave(fields: Mapping[str, Any]) -> Leave | None:
        found = render(fields)
        return None if found is None else Leave(found, stages, items_of(fields))

    return leave


def _items_of(topic: str, playbook: Playbook) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    """The function that says which item of the topic's family an event is about."""
    names = playbook.items.get(family(topic), ())
    one_field = template_fields(topic)
    if not names or one_field is None or one_field[0] != f"{family(topic)}/":
        return lambda fields: ()
    before = one_field[0]
    return lambda fields: item_topics(before, names, fields)


def match_event(event: Event, dispatch: Dispatch) -> Matched:
    """What the playbook makes of an event."""
    kind = event.type
    if kind == "track":
        rules = dispatch.events.get(event.name or "") or dispatch.rules_of(event.name or "")
        return _apply(rules, event.properties) if rules else NOTHING
    if kind in ("page", "screen"):
        page = event.context.page
        properties = event.properties
        path = path_of(properties.get("path"), properties.get("url"))
        if path is None and page is not None:
            path = path_of(page.path, page.url)
        found = dispatch.pages.match(path) if path else []
        if not found:
            return NOTHING
        fields, rule = found[0]
        return _apply((rule,), {**properties, **fields})
    if kind == "contact":
        rules = dispatch.rules_of_contact(event.name or "", event.channel)
        return _apply(rules, event.properties) if rules else NOTHING
    return NOTHING


def _apply(rules: tuple[CompiledMatch, ...], properties: Mapping[str, Any]) -> Matched:
    if len(rules) == 1:  # most events by far
        (rule,) = rules
        if rule.each is None and rule.leave is None and rule.make is not None:
            found = rule.make(properties)
            if found is not None:
                return Matched([found], (), rule.step)
            return Matched([], (), rule.step) if rule.step is not None else NOTHING
    matches: list[Match] = []
    leaves: list[Leave] = []
    step: OrderStep | None = None
    for rule in rules:
        step = step or rule.step
        items = properties.get(rule.each) if rule.each else None
        sources: Iterable[Any] = items[:MAX_ITEMS] if items and isinstance(items, list) else ()
        for source in sources or (properties,):
            if not isinstance(source, Mapping):
                continue
            match = rule.make(source) if rule.make is not None else None
            if match is not None:
                matches.append(match)
            left = rule.leave(source) if rule.leave is not None else None
            if left is not None:
                leaves.append(left)
    return Matched(_each_once(matches), tuple(leaves), step)


def _each_once(matches: list[Match]) -> list[Match]:
    """Each topic and stage once, with all items that were named for it."""
    if len(matches) < 2:
        return matches
    found: dict[tuple[str, str], Match] = {}
    for match in matches:
        key = (match.topic, match.stage)
        before = found.get(key)
        if before is None:
            found[key] = match
        elif match.items and match.items != before.items:
            found[key] = replace(
                before,
                items=tuple(dict.fromkeys((*before.items, *match.items))),
                keys=tuple(dict.fromkeys((*before.keys, *match.keys))),
            )
    return list(found.values())
