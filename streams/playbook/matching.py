"""Matching of an event to topics and stages: exact names, then the path trie, never a scan."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from schemas.event import Event
from streams.playbook.event_names import folded_name
from streams.playbook.paths import PathTrie, host_of, in_utf8, path_of

MAX_ITEMS = 1000
"""Maximum of items of one list (`each`) that are matched; more is a quality finding."""

OrderStep = Literal["placed", "updated", "cancelled", "refunded"]
"""Step in the life of an order."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """The items (products) that an event names for one topic."""

    names: tuple[bytes, ...]
    """Packed, of the topic that each name of an item alone would make: `product/p-1`,
    `product/sku-1`."""
    keys: tuple[bytes, ...]
    """Of `names`, the first of each item."""
    by_item: bool
    """Whether the topic itself is such a name."""
    can_be_left: bool
    """Whether a rule lets the dialogue leave this stage item by item."""
    taught: bytes
    """Of `names`, sorted, what a topic without items learns: all, without those that its cart
    knows."""


def item_of(
    names: Iterable[bytes], keys: Iterable[bytes], by_item: bool, can_be_left: bool
) -> Item:
    """The item, or items, of one topic by packed names."""
    names, keys = tuple(dict.fromkeys(names)), tuple(dict.fromkeys(keys))
    learned = set(names).difference(keys) if can_be_left else set(names)
    return Item(names, keys, by_item, can_be_left, b"".join(sorted(learned)))


class Match(msgspec.Struct, frozen=True, gc=False):
    """A topic and the stage an event brings it to."""

    topic: str
    stage: str
    place: tuple[str, str]
    """(topic family, stage): what the rules of a playbook are indexed by."""
    item: Item | None = None
    """Where it matters: the topic is named by an item, the topics of items are learned here (a
    cart, an order), or the stage can be left item by item."""


class Leave(msgspec.Struct, frozen=True, gc=False):
    """Stages that a topic leaves."""

    topic: str
    """A topic, or `family/*` for every topic of the family."""
    stages: tuple[str, ...]
    item: Item | None = None
    whole: bool = True
    """Whether the topic leaves the stages, and not one item of it."""


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
    alone: Callable[[Mapping[str, Any]], Matched] | None
    """What a rule with a stage and without `each` and `leaves` makes of an event by itself."""
    leave: Callable[[Mapping[str, Any]], Leave | None] | None
    each: str | None
    step: OrderStep | None
    fields: frozenset[str] | None = None
    """The fields that the topic is made of, where the rule stands `alone`."""


class Dispatch(msgspec.Struct, frozen=True, gc=False):
    """The match rules of a playbook, indexed by event."""

    events: dict[str, tuple[CompiledMatch, ...]]
    contacts: dict[str, tuple[CompiledMatch, ...]]
    pages: PathTrie
    folded: dict[str, tuple[CompiledMatch, ...]]
    """`events` by folded name."""
    nearest: Callable[[str], str | None]
    """The known event name or contact code that this one looks like; None for a known one."""
    url_encodings: tuple[str, ...]
    """Encodings in which a path that is no UTF-8 is read."""
    of_path: Callable[[str], Matched | None]
    """What a page of this path matches whatever its properties are; None where they have a say."""

    def rules_of(self, name: str) -> tuple[CompiledMatch, ...]:
        """The rules of a track event, whichever way its name is written."""
        found = self.events.get(name)
        return found if found is not None else self.folded.get(folded_name(name), ())

    def rules_of_contact(self, code: str, channel: str) -> tuple[CompiledMatch, ...]:
        """The rules of a contact event; those of its code before those of its channel."""
        return self.contacts.get(code) or self.contacts.get(f"channel:{channel}") or ()


def match_event(event: Event, dispatch: Dispatch) -> Matched:
    """What the playbook makes of an event."""
    kind = event.type
    if kind == "track":
        name = event.name or ""
        rules = dispatch.events.get(name) or dispatch.rules_of(name)
        if len(rules) == 1 and rules[0].alone is not None:  # the usual case
            return rules[0].alone(event.properties)
        return _apply(rules, event.properties) if rules else NOTHING
    if kind in ("page", "screen"):
        page = event.context.page
        properties = event.properties
        path = path_of(properties.get("path"), properties.get("url"))
        if path is None and page is not None:
            path = path_of(page.path, page.url)
        if not path:
            return NOTHING
        if "%" in path:
            url = properties.get("url") or (page.url if page is not None else None)
            path = in_utf8(path, host_of(url), dispatch.url_encodings)
        of_path = dispatch.of_path(path)
        if of_path is not None:
            return of_path
        fields, rule = dispatch.pages.match(path)[0]
        return _apply((rule,), {**properties, **fields})
    if kind == "contact":
        rules = dispatch.rules_of_contact(event.name or "", event.channel)
        return _apply(rules, event.properties) if rules else NOTHING
    return NOTHING


def _apply(rules: tuple[CompiledMatch, ...], properties: Mapping[str, Any]) -> Matched:
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
        elif match.item is not None and before.item is not None:
            one, other = before.item, match.item
            both = item_of(
                (*one.names, *other.names),
                (*one.keys, *other.keys),
                one.by_item or other.by_item,
                one.can_be_left,
            )
            found[key] = replace(before, item=both)
        elif match.item is not None:
            found[key] = match
    return list(found.values())
