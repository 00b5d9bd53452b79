"""How the rules of a playbook name items (products): which rules do, by which fields, and the
memory of what they made."""

from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any, TypeVar

from schemas.playbook import MatchRule, Playbook
from streams.playbook.item_names import packed_name
from streams.playbook.matching import Item, item_of
from streams.playbook.topics import (
    Render,
    compile_template,
    family,
    item_topics,
    template_fields,
)

T = TypeVar("T")

MAX_REMEMBERED = 4096
"""Products remembered of one rule."""
MAX_REMEMBERED_LENGTH = 100
"""Characters of a text that is remembered."""


def teaches_items(rule: MatchRule, topic: str, playbook: Playbook) -> bool:
    """Whether the rule's events teach the items of its topic: those of carts and orders."""
    if rule.page is not None or not playbook.items.get(family(topic)):
        return False
    return is_left_by_item(rule, topic, playbook) or bool(rule.order)


def is_left_by_item(rule: MatchRule, topic: str, playbook: Playbook) -> bool:
    """Whether a rule lets a dialogue leave this rule's stage item by item; a cancelled order leaves
    a stage as a whole."""
    return any(
        rule.stage in other.leaves
        and family(other.topic or "") == family(topic)
        and not other.order
        for other in playbook.match
    )


def names_of(
    topic: str, playbook: Playbook
) -> Callable[[Mapping[str, Any]], tuple[str, ...]] | None:
    """The function that says by which names an event names an item of the topic's family; None
    where the family has no items."""
    names = playbook.items.get(family(topic), ())
    one_field = template_fields(topic)
    if not names or one_field is None or one_field[0] != f"{family(topic)}/":
        return None
    before = one_field[0]
    return lambda fields: item_topics(before, names, fields)


def named_item(topic: str, names: tuple[str, ...], can_be_left: bool) -> Item:
    """The item of a topic that is known by these names."""
    packed = tuple(packed_name(name) for name in names)
    return item_of(packed, packed[:1], topic in names, can_be_left)


def first_group(topic: str, playbook: Playbook) -> Render | None:
    """The topic by the fields that stand before those of an item; None without such fields."""
    one_field = template_fields(topic)
    items = playbook.items.get(family(topic), ())
    groups = list(takewhile(lambda name: name not in items, one_field[1])) if one_field else []
    return compile_template(f"{family(topic)}/{{{'|'.join(groups)}}}") if groups else None


def remembered(
    topic: str, make: Callable[[Mapping[str, Any]], T], playbook: Playbook
) -> Callable[[Mapping[str, Any]], T]:
    """`make`, asked once for equal short texts: most products are put into many carts."""
    one_field = template_fields(topic)
    if one_field is None:
        return make
    names = tuple(dict.fromkeys((*one_field[1], *playbook.items.get(family(topic), ()))))
    known: dict[tuple[Any, ...], T] = {}

    def made(fields: Mapping[str, Any]) -> T:
        get = fields.get
        texts = tuple(map(get, names))
        try:
            # Only texts are remembered, and nothing else that can be a key equals a text.
            return known[texts]
        except (KeyError, TypeError):  # a list or an object is no key
            pass
        found = make(fields)
        if all(
            text is None or (type(text) is str and len(text) <= MAX_REMEMBERED_LENGTH)
            for text in texts
        ):
            if len(known) >= MAX_REMEMBERED:
                known.clear()
            known[texts] = found
        return found

    return made
