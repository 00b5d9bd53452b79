"""Items: which products belong to which topic of a customer, learned from the events themselves.

An event that names a product in several ways (`category`, `product_id`, `sku`) teaches that they
are one: the topic `product/hats` then holds `product/p-1` and `product/sku-1`. An event that names
the product by its id alone goes to that topic, and what began under the id alone moves there, in
whatever order they came.

A topic whose own name is among its items was named by an item; any other is a group of items, such
as a category. Topics of items that share a name are one, and belong to the group that holds the
name. Groups are never united; of an item in two groups, the first by name counts.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache

from xxhash import xxh3_64_intdigest

from streams.profile.dialogues import MAX_DIALOGUES

MAX_ITEMS = 256
"""Names of items kept of one topic, the lowest hashes: which ones stay never depends on the order
they came in."""

WIDTH = 4
"""Bytes of a hash: among the 500 names of a customer two collide once in 30,000 customers."""

Items = dict[str, bytes]
"""Topic -> sorted hashes of the names of its items."""

Moved = dict[str, str]
"""Topic -> the topic that it has become."""

_NOTHING: Moved = {}


@lru_cache(maxsize=65_536)
def item_key(name: str) -> str:
    """32 bits of XXH3 of an item's name, in hexadecimal."""
    return _packed(name).hex()


def place(
    items: Items, topic: str, names: tuple[str, ...], topics: Collection[str]
) -> tuple[str, Items, Moved]:
    """(the topic an event belongs to, the items after it, what moved because of it).

    The event matched `topic` and names an item by `names`, none where it names a group alone;
    `topics` are those of the profile.
    """
    if not names:
        return topic, items if topic in items else {**items, topic: b""}, _NOTHING
    by_item = topic in names
    if by_item and len(names) == 1:
        return (_root_of(items, names) or topic) if items else topic, items, _NOTHING
    held = items.get(topic)
    if held is not None and _holds_all(held, names):
        return topic, items, _NOTHING
    if by_item and items:
        root = _root_of(items, names)
        if root is not None and _holds_all(items[root], names):
            return root, items, _NOTHING
    taught = {**items, topic: _lowest(_each(held or b"") | {_packed(name) for name in names})}
    taught, moved = unite(taught, topics)
    return moved.get(topic, topic), taught, moved


def unite(items: Items, topics: Iterable[str]) -> tuple[Items, Moved]:
    """The items with every topic of an item in the group, or the first topic, that shares a name
    with it; and which of `topics` have become another by that."""
    held = {topic: _each(packed) for topic, packed in items.items()}
    groups = sorted(topic for topic in held if _packed(topic) not in held[topic])
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
    if moved:
        moved = {topic: _last(moved, topic) for topic in moved}
        items = {topic: _lowest(names) for topic, names in held.items()}
    for topic in topics:
        if topic not in items and topic not in moved:
            root = _root_of(items, (topic,))
            if root is not None:
                moved[topic] = root
    return items, moved


def holds(held: bytes, name: str) -> bool:
    """Whether the name of an item is among the hashes."""
    wanted = _packed(name)
    at = held.find(wanted)
    while at >= 0 and at % WIDTH:
        at = held.find(wanted, at + 1)
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


def _root_of(items: Items, names: Iterable[str]) -> str | None:
    """The topic that holds any of the names, a group before a topic of items; None: no one does."""
    found = [topic for topic, held in items.items() if any(holds(held, name) for name in names)]
    if len(found) < 2:
        return found[0] if found else None
    return min(found, key=lambda topic: (holds(items[topic], topic), topic))


def _holds_all(held: bytes, names: Iterable[str]) -> bool:
    for name in names:  # noqa: SIM110 - a generator costs more than the loop it replaces
        if not holds(held, name):
            return False
    return True


def _last(moved: Moved, topic: str) -> str:
    while topic in moved:
        topic = moved[topic]
    return topic


@lru_cache(maxsize=65_536)
def _packed(name: str) -> bytes:
    hashed = xxh3_64_intdigest(name.encode("utf-8", "surrogatepass")) & 0xFFFFFFFF
    return hashed.to_bytes(WIDTH, "big")


def _each(held: bytes) -> set[bytes]:
    return {held[at : at + WIDTH] for at in range(0, len(held), WIDTH)}


def _lowest(hashes: set[bytes]) -> bytes:
    return b"".join(sorted(hashes)[:MAX_ITEMS])
