"""Whether a document has the shape of a playbook: its fields, and the kind of each value."""

import types
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from streams.playbook.suggestions import choices

LOST: Final = object()
"""Marker of a value without a usable part."""


class Misshapen(NamedTuple):
    """One mistake in the shape."""

    where: str
    """Path, such as `match[3].topic`."""
    message: str
    unknown: bool = False
    """The name is wrong, not its value; the rest is valid without it."""


_KINDS = {dict: "fields", list: "a list", str: "text", bool: "true or false", int: "a number",
          float: "a number", type(None): "nothing"}  # fmt: skip


def shaped(value: Any, expected: Any, found: list[Misshapen], where: str = "") -> Any:
    """The part of the value with the shape of the type, `LOST` if too little; mistakes are appended
    to `found`. In a list of structs lost ones keep their index."""
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        several = [one for one in get_args(expected) if one is not type(None)]
        # Of several kinds, the one the value is of; text is the last: its words are suggested.
        expected = next((one for one in several if type(value) is one), several[-1])
        origin = get_origin(expected)
    if isinstance(expected, type) and issubclass(expected, msgspec.Struct):
        return _struct(value, expected, found, where)
    if origin is dict:
        return _mapping(value, get_args(expected)[1], found, where)
    if origin is tuple:
        return _list(value, get_args(expected)[0], found, where)
    if origin is Literal:
        if value in get_args(expected):
            return value
        said = f"{value!r} is no {_name(where)!r}; {choices(str(value), get_args(expected))}"
        found.append(Misshapen(where, said))
        return LOST
    try:
        return msgspec.convert(value, expected)
    except msgspec.ValidationError:
        said = f"{_name(where)} is to be {_KINDS[expected]}, not {_said(value)}"
        found.append(Misshapen(where, said))
        return LOST


def _struct(value: Any, expected: type[msgspec.Struct], found: list[Misshapen], where: str) -> Any:
    fields = {field.encode_name: field for field in msgspec.structs.fields(expected)}
    if not isinstance(value, dict):
        said = f"{_name(where)} is to be fields ({', '.join(fields)}), not {_said(value)}"
        found.append(Misshapen(where, said))
        return LOST
    kept = {}
    for name, part in value.items():
        field = fields.get(name) if isinstance(name, str) else None
        at = f"{where}.{name}" if where else str(name)
        if field is None:
            said = f"unknown field {name!r}; {choices(str(name), fields)}"
            found.append(Misshapen(at, said, unknown=True))
        elif part is not None:
            kept[name] = shaped(part, field.type, found, at)
        elif field.required:
            found.append(Misshapen(at, f"{name} is empty"))
            kept[name] = LOST
    for name, field in fields.items():
        if field.required and name not in kept:
            found.append(Misshapen(where, f"missing required field `{name}`"))
            kept[name] = LOST
    if any(part is LOST and fields[name].required for name, part in kept.items()):
        return LOST
    return {name: part for name, part in kept.items() if part is not LOST}


def _mapping(value: Any, expected: Any, found: list[Misshapen], where: str) -> Any:
    if not isinstance(value, dict):
        said = f"{_name(where)} is to be names, each with what it stands for, not {_said(value)}"
        found.append(Misshapen(where, said))
        return LOST
    kept = {}
    for name, part in value.items():
        at = f"{where}.{name}"
        if not isinstance(name, str):
            said = f"the name {name!r} is {_said(name)}; write it in quotes"
            found.append(Misshapen(at, said))
        else:
            kept[name] = shaped(part, expected, found, at)
    return {name: part for name, part in kept.items() if part is not LOST}


def _list(value: Any, expected: Any, found: list[Misshapen], where: str) -> Any:
    if not isinstance(value, list):
        said = f"{_name(where)} is to be a list [in, brackets], not {_said(value)}"
        found.append(Misshapen(where, said))
        return LOST
    kept = [shaped(part, expected, found, f"{where}[{index}]") for index, part in enumerate(value)]
    structs = isinstance(expected, type) and issubclass(expected, msgspec.Struct)
    return LOST if not structs and any(part is LOST for part in kept) else kept


def _name(where: str) -> str:
    return where.rpartition(".")[2] or "the playbook"


def _said(value: Any) -> str:
    kind = next((said for kind, said in _KINDS.items() if type(value) is kind), "something else")
    return f"{kind} ({value!r})" if isinstance(value, str | int | float | bool) else kind
