"""A mapping's expressions, compiled once."""

from collections.abc import Collection, Iterator, Mapping
from datetime import tzinfo
from typing import Any

import msgspec

from schemas import mapping as written
from schemas.contact import Contact
from schemas.mapping import EventKind
from streams.mapping.functions import NAMES, Function, functions
from streams.playbook.errors import RuleError, RuleErrors
from streams.playbook.expressions import FUNCTIONS, Expression, compile_expression
from streams.playbook.suggestions import choices

_COMMON = ("user_id", "anonymous_id", "occurred_at", "channel")
_CONTACT = tuple(name for name in Contact.__struct_fields__
                 if name not in ("properties", "message_id"))  # fmt: skip

FIELDS: Mapping[EventKind, tuple[str, ...]] = {
    "contact": _CONTACT,
    "track": ("event", *_COMMON),
    "identify": _COMMON,
}
"""Kind of event -> what its `fields` may be."""

_NEEDED: Mapping[EventKind, tuple[str, ...]] = {
    "contact": ("code", "channel"),
    "track": ("event",),
    "identify": (),
}
_WHO = ("user_id", "anonymous_id", "customer_id", "phone", "email")

Named = tuple[tuple[str, Expression], ...]


class Rule(msgspec.Struct, frozen=True):
    """An `EventRule`, compiled."""

    index: int
    kind: EventKind
    if_: Expression
    fields: Named
    properties: Named


class CompiledMapping(msgspec.Struct, frozen=True):
    """A valid mapping."""

    source: written.Mapping
    functions: dict[str, Function]
    items: Expression
    let: Named
    skip: tuple[Expression, ...]
    message_id: Expression | None
    rules: tuple[Rule, ...]

    @property
    def kinds(self) -> frozenset[EventKind]:
        """The kinds of events it makes."""
        return frozenset(rule.kind for rule in self.rules)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Each expression over an item, with its path in the file."""
        for name, one in self.let:
            yield f"let.{name}", one
        for index, one in enumerate(self.skip):
            yield f"skip[{index}]", one
        if self.message_id is not None:
            yield "message_id", self.message_id
        for rule in self.rules:
            at = f"events[{rule.index}]"
            yield f"{at}.if", rule.if_
            for part, named in (("fields", rule.fields), ("properties", rule.properties)):
                for name, one in named:
                    yield f"{at}.{part}.{name}", one


def compile_mapping(
    mapping: written.Mapping,
    region: str,
    zones: Mapping[str, tzinfo],
    our_numbers: Collection[str] = (),
) -> CompiledMapping:
    """The compiled mapping; `region` and `our_numbers` (E.164) are the settings'. RuleErrors with
    every mistake."""
    found = _Compiling()
    if zones and mapping.zone not in zones:
        found.say("zone", f"no time zone is called {mapping.zone!r}; write for example Asia/Seoul")
    if len(mapping.delimiter) != 1:
        found.say("delimiter", "the delimiter is one character")
    if mapping.decimal not in ("", ".", ","):
        found.say("decimal", "the decimal mark is '.' or ','")
    signature = mapping.signature
    if signature is not None and (signature.scheme == "hmac-sha256") != bool(signature.header):
        found.say("signature", "`header` is what hmac-sha256 needs, and nothing else")
    if not mapping.events:
        found.say("events", "a mapping needs at least one event")
    items = found.compiled(mapping.items, "items", ("payload",))
    names = ["item", "received_at"]
    let = []
    for name, text in mapping.let.items():
        if not name.isidentifier() or name in names:
            found.say(f"let.{name}", f"{name!r} cannot be a name here; use a word of its own")
        let.append((name, found.compiled(text, f"let.{name}", names)))
        names.append(name)
    skip = [found.compiled(text, f"skip[{i}]", names) for i, text in enumerate(mapping.skip)]
    message_id = None
    if mapping.message_id is not None:
        message_id = found.compiled(mapping.message_id, "message_id", names)
    rules = [found.rule(rule, index, names) for index, rule in enumerate(mapping.events)]
    if found.errors:
        raise RuleErrors(tuple(found.errors))
    return CompiledMapping(
        mapping,
        functions(
            mapping.region.upper() or region, mapping.zone, zones, mapping.decimal, our_numbers
        ),
        items, tuple(let), tuple(skip), message_id, tuple(rules),
    )  # fmt: skip


class _Compiling:
    """Finds all mistakes instead of the first."""

    def __init__(self) -> None:
        self.errors: list[RuleError] = []

    def say(self, where: str, message: str) -> None:
        self.errors.append(RuleError(where, message))

    def compiled(self, text: str, where: str, names: Collection[str]) -> Expression:
        try:
            return compile_expression(text, where, names, (*FUNCTIONS, *NAMES))
        except RuleError as problem:
            self.errors.append(problem)
            return Expression(text, frozenset(), None)

    def named(self, texts: Mapping[str, str], where: str, names: Collection[str]) -> Any:
        return tuple(
            (name, self.compiled(text, f"{where}.{name}", names)) for name, text in texts.items()
        )

    def rule(self, rule: written.EventRule, index: int, names: Collection[str]) -> Rule:
        at = f"events[{index}]"
        allowed = FIELDS[rule.type]
        for name in rule.fields:
            if name not in allowed:
                said = f"{rule.type} events have no field {name!r}; {choices(name, allowed)}"
                self.say(f"{at}.fields.{name}", said)
        for name in _NEEDED[rule.type]:
            if name not in rule.fields:
                self.say(f"{at}.fields", f"a {rule.type} event needs {name!r}")
        who = [name for name in _WHO if name in allowed]
        if not any(name in rule.fields for name in who):
            self.say(f"{at}.fields", f"say whose it is: one of {', '.join(who)}")
        return Rule(
            index,
            rule.type,
            self.compiled(rule.if_, f"{at}.if", names),
            self.named(rule.fields, f"{at}.fields", names),
            self.named(rule.properties, f"{at}.properties", names),
        )
