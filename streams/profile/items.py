"""Items: which products belong to which topic of a customer, learned from the events themselves.

An event of a cart or an order that names a product in several ways (`category`, `product_id`,
`sku`) teaches that they are one: the topic `product/hats` then holds `product/p-1` and
`product/sku-1`. An event that names the product by its id alone goes to that topic, and what began
under the id alone moves there, in whatever order they came.

A topic holds the items of its carts (`streams.profile.exits` has their first names) and the names
kept here. One that holds its own name was named by an item; any other is a group of items, such as
a category. Topics of items that share a name are one, and belong to the group that holds the name.
Groups are never united; of an item in two groups, the first by name counts.
"""

from collections.abc import Collection, Iterable, Sequence

from streams.playbook.item_names import WIDTH, packed_name
from streams.playbook.matching import Item
from streams.profile.dialogues import MAX_DIALOGUES
from streams.profile.exits import Exits, has_item, items_of, move_exits

MAX_ITEMS = 256
"""Names of items kept of one topic, the lowest hashes: which ones stay never depends on the order
they came in."""

Items = dict[str, bytes]
"""Topic -> sorted hashes of the names of its items, without those that its carts know."""

Moved = dict[str, str]
"""Topic -> the topic that it has become."""

_NOTHING: Moved = {}


def place(items: Items, exits: Exits, topic: str, item: Item) -> tuple[str, Items, Moved]:
    """(the topic an event belongs to, the items after it, what moved because of it).

    The event matched `topic` and names `item`; where its stage can be left item by item, the
    caller writes the item into the exits.
    """
    if not items and not exits:  # nothing to compare with
        return topic, _taught(items, topic, item), _NOTHING
    held, carts = items.get(topic, b""), exits.get(topic, b"")
    fresh: Sequence[bytes] = item.names
    taught = items
    if not held and not carts:  # the usual first product of a category
        root = _root_of_all(items, exits, item.names) if item.by_item else None
        if root is not None:
            return root, _known_to_cart(items, root, item), _NOTHING
        taught = _taught(items, topic, item)
    else:
        # `find` is the cheap question; a name may also lie across two others.
        fresh = [
            name
            for name in fresh
            if (held.find(name) < 0 or not holds(held, name))
            and (carts.find(name) < 0 or not has_item(carts, name))
        ]
        if held:
            items = taught = _known_to_cart(items, topic, item)
            held = items.get(topic, b"")
        if not fresh:
            return topic, items, _NOTHING
        kept = [one for one in fresh if one not in item.keys] if item.can_be_left else fresh
        if kept:
            taught = {**items, topic: _lowest({*_each(held), *kept})}
    if _elsewhere(items, exits, topic, fresh):
        taught, moved = unite(taught, exits, {topic: set(item.names)})
        topic = moved.get(topic, topic)
        return topic, _known_to_cart(taught, topic, item), moved
    return topic, taught, _NOTHING


def _taught(items: Items, topic: str, item: Item) -> Items:
    """The items with what a topic without any learns from the item."""
    if not item.taught:
        return items
    after = items.copy()
    after[topic] = item.taught[: MAX_ITEMS * WIDTH]
    return after


def _known_to_cart(items: Items, topic: str, item: Item) -> Items:
    """The items without what the cart of the topic knows from now on."""
    held = items.get(topic, b"")
    if item.can_be_left:
        for key in item.keys:
            if held.find(key) >= 0 and holds(held, key):
                return _with(items, topic, _each(held) - set(item.keys))
    return items


def unite(
    items: Items, exits: Exits, besides: dict[str, set[bytes]] | None = None
) -> tuple[Items, Moved]:
    """The items with every topic of an item in the group, or the first topic, that shares a name
    with it; and which topics have become another by that. `besides` are names that topics hold
    though they are in neither."""
    held = {topic: _each(packed) for topic, packed in items.items()}
    for topic, records in exits.items():
        held[topic] = held.get(topic, set()) | items_of(records)
    for topic, names in (besides or {}).items():
        held[topic] = held.get(topic, set()) | names
    groups = sorted(topic for topic in held if packed_name(topic) not in held[topic])
    singles = sorted(held.keys() - set(groups))
    moved: Moved = {}
    changed = True
    while changed:
        changed = False
        for single in [one for one in singles if one not in moved]:
            roots = (*groups, *(one for one in singles if one < single and one not in moved))
            root = next((one for one in roots if held[one] & held[single]), None)
            if root is not None:
                held[root] |= held.pop(single)
                moved[single] = root
                changed = True
    if not moved:
        return items, _NOTHING
    moved = {topic: _last(moved, topic) for topic in moved}
    united = {topic: packed for topic, packed in items.items() if topic not in moved}
    for topic, root in moved.items():
        if topic in items:
            united[root] = _lowest(_each(united.get(root, b"")) | _each(items[topic]))
    return without_carts(united, move_exits(exits, moved)), moved


def without_carts(items: Items, exits: Exits) -> Items:
    """The items without the names that the carts know, and without empty topics: one form for one
    knowledge."""
    found = {}
    for topic, packed in items.items():
        kept = packed
        if topic in exits:
            kept = _lowest(_each(packed) - items_of(exits[topic]))
        if kept:
            found[topic] = kept
    return found


def holds(held: bytes, name: bytes) -> bool:
    """Whether the packed name of an item is among the hashes."""
    at = held.find(name)
    while at >= 0 and at % WIDTH:
        at = held.find(name, at + 1)
    return at >= 0


def merge_items(one: Items, other: Items) -> Items:
    """The items of both; `unite` has to follow."""
    if not one or not other:
        return one or other
    merged = dict(one)
    for topic, held in other.items():
        mine = merged.get(topic)
        merged[topic] = held if mine is None else _lowest(_each(mine) | _each(held))
    return merged


def of_topics(items: Items, topics: Collection[str]) -> Items:
    """The items of these topics: those of topics that were given up are not kept for ever."""
    if len(items) <= MAX_DIALOGUES:
        return items
    return {topic: held for topic, held in items.items() if topic in topics}


def _with(items: Items, topic: str, names: set[bytes]) -> Items:
    """The items with these names of a topic; none: without the topic."""
    after = {**items, topic: _lowest(names)}
    if not names:
        del after[topic]
    return after


def _has(items: Items, exits: Exits, topic: str, name: bytes) -> bool:
    return holds(items.get(topic, b""), name) or has_item(exits.get(topic, b""), name)


def _elsewhere(items: Items, exits: Exits, topic: str, names: Sequence[bytes]) -> bool:
    """Whether another topic holds any of the names."""
    for other, held in items.items():
        if other != topic:
            for name in names:
                if held.find(name) >= 0 and holds(held, name):
                    return True
    for other, records in exits.items():
        if other != topic:
            for name in names:
                if records.find(name) >= 0 and has_item(records, name):
                    return True
    return False


def _root_of_all(items: Items, exits: Exits, names: Iterable[bytes]) -> str | None:
    """The topic that holds all of the names; None: no one does."""
    root = _root_of(items, exits, names)
    if root is None or not all(_has(items, exits, root, name) for name in names):
        return None
    return root


def _root_of(items: Items, exits: Exits, names: Iterable[bytes]) -> str | None:
    """The topic that holds any of the names, a group before a topic of items; None: no one does."""
    found = [
        topic
        for topic in {*items, *exits}
        if any(_has(items, exits, topic, name) for name in names)
    ]
    if len(found) < 2:
        return found[0] if found else None
    return min(found, key=lambda topic: (_has(items, exits, topic, packed_name(topic)), topic))


def _last(moved: Moved, topic: str) -> str:
    while topic in moved:
        topic = moved[topic]
    return topic


def _each(held: bytes) -> set[bytes]:
    return {held[at : at + WIDTH] for at in range(0, len(held), WIDTH)}


def _lowest(hashes: set[bytes]) -> bytes:
    return b"".join(sorted(hashes)[:MAX_ITEMS])
