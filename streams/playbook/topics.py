"""Topic names out of templates such as `product/{category|product_id}`."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from streams.values.text_form import compatible

MAX_LABEL_LENGTH = 80
"""Characters of one part of a topic; longer ones are cut."""

_MAX_FIELD_LENGTH = 400
"""Characters of a field that are read, so that the cache of labels stays small."""

_FIELD = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r"[\s/]+")

Render = Callable[[Mapping[str, Any]], str | None]


@lru_cache(maxsize=65_536)
def label(text: str) -> str:
    """The text in lower case and one form, without blanks and slashes: `Running Shoes` and
    `running-shoes` are one topic."""
    return _UNSAFE.sub("-", compatible(text).strip().lower())[:MAX_LABEL_LENGTH].strip("-")


def family(topic: str) -> str:
    """The family of a topic: the part before the first slash."""
    return topic.partition("/")[0]


def compile_template(template: str) -> Render:
    """A function from fields to the topic, None where no field is there.

    Raises `ValueError` where braces do not name fields.
    """
    pieces = _FIELD.split(template)
    if any("{" in piece or "}" in piece for piece in pieces) or not all(pieces[1::2]):
        raise ValueError(f"{template!r} is not a topic template; write product/{{category|name}}")
    if len(pieces) == 1:
        return lambda fields: template
    names = [tuple(name.strip() for name in piece.split("|")) for piece in pieces[1::2]]
    if len(names) == 1 and not pieces[2]:
        return _one_field(pieces[0], names[0])
    return _many_fields(pieces[0::2], names)


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            found = label(value if len(value) <= _MAX_FIELD_LENGTH else value[:_MAX_FIELD_LENGTH])
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            found = label(str(value))
        else:
            continue
        if found:
            return found
    return None


def _one_field(before: str, names: tuple[str, ...]) -> Render:
    first = names[0]

    def render(fields: Mapping[str, Any]) -> str | None:
        text = fields.get(first)
        if type(text) is str and len(text) <= _MAX_FIELD_LENGTH:  # most events by far
            found = label(text)
            if found:
                return before + found
        value = _first(fields, names)
        return None if value is None else before + value

    return render


def _many_fields(literals: list[str], names: list[tuple[str, ...]]) -> Render:
    def render(fields: Mapping[str, Any]) -> str | None:
        topic = literals[0]
        for alternatives, literal in zip(names, literals[1:], strict=True):
            value = _first(fields, alternatives)
            if value is None:
                return None
            topic += value + literal
        return topic

    return render


def fields_of(template: str) -> tuple[str, ...]:
    """All fields that a template names."""
    return tuple(
        name.strip() for piece in _FIELD.split(template)[1::2] for name in piece.split("|")
    )


def template_fields(template: str) -> tuple[str, tuple[str, ...]] | None:
    """(text before it, its alternatives) of a template with one field at its end, such as
    `product/{category|product_id}`; None for any other."""
    pieces = _FIELD.split(template)
    if len(pieces) != 3 or pieces[2]:
        return None
    return pieces[0], tuple(name.strip() for name in pieces[1].split("|"))


def item_topics(before: str, names: tuple[str, ...], fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The topic that each of the named fields alone would make, without those that are not there;
    `before` is the text before the field, such as `product/`."""
    found = []
    for name in names:
        if name in fields:
            value = _first(fields, (name,))
            if value is not None and before + value not in found:
                found.append(before + value)
    return tuple(found)
