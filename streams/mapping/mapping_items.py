"""One item of a foreign payload into the events its mapping makes of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from xxhash import xxh3_128_hexdigest

from schemas.contact import Contact
from schemas.dead_letter import DeadLetterReason
from schemas.mapping import EventKind
from streams.identity.profile_key import usable_id
from streams.mapping.compiling import CompiledMapping, Rule
from streams.mapping.contact_mending import mended_contact
from streams.playbook.expressions import Expression
from streams.tracking.events import LARGEST_EVENT, MAX_MESSAGE_ID_LENGTH
from streams.values.instants import epoch_ms, milliseconds, plausible

_NOT_THERE = (KeyError, IndexError)
_WRONG = (TypeError, ValueError, ArithmeticError, RuntimeError, LookupError)
_IDS = ("user_id", "anonymous_id", "customer_id")
_TEXTS = frozenset(
    {"code", "channel", *_IDS, "phone", "email", "direction", "operator", "outcome", "subject",
     "order_id", "delivery_id", "complaint_id", "text", "event"}
)  # fmt: skip
_TRACKING = {"user_id": "userId", "anonymous_id": "anonymousId", "occurred_at": "timestamp",
             "message_id": "messageId"}  # fmt: skip

_encode = msgspec.json.Encoder(order="deterministic").encode


class Mapped(msgspec.Struct, frozen=True):
    """An event as the HTTP API takes it: a `Contact`, or an item of the tracking protocol."""

    kind: EventKind
    body: bytes
    """JSON."""
    contact: Contact | None = None


class Unmapped(Exception):  # noqa: N818 - an item's fate, not a fault
    """The item is no event; the exception has the reason."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Mapper:
    """Maps items one after the other. Not thread-safe: it holds one CEL environment."""

    def __init__(self, mapping: CompiledMapping) -> None:
        # Only where there is a mapping: the package imports a terminal UI, a third of a second.
        import cel  # noqa: PLC0415

        self._mapping = mapping
        self._problems: list[str] = []
        self._environment = cel.Context(
            functions={name: self._safe(one) for name, one in mapping.functions.items()}
        )

    def items(self, payload: Any) -> list[Any]:
        """The items in a payload. Raises `Unmapped` where the mapping finds none."""
        if self._mapping.source.items == "payload":
            found = payload
        else:
            self._environment.add_variable("payload", payload)
            found = self._value(self._mapping.items, "items")
        if found is None:
            raise Unmapped("invalid_event", "items: there are none")
        return found if isinstance(found, list) else [found]

    def events(
        self, item: Any, place: str | None = None, received_at: int | None = None
    ) -> list[Mapped]:
        """The events of the item; none where the mapping skips it. Raises `Unmapped`.

        `received_at` (milliseconds) is what expressions find under that name: null in a file.

        The message id is made of what the mapping calls `message_id`, else of `place` (which says
        where in which file the item stands), else of the item's content.
        """
        mapping = self._mapping
        environment = self._environment
        try:
            environment.add_variable("item", item)
            environment.add_variable("received_at", received_at)
        except _WRONG as problem:  # an integer of more than 64 bits, nesting without end
            raise Unmapped("invalid_event", f"the item cannot be read: {problem}") from None
        for name, expression in mapping.let:
            environment.add_variable(name, self._value(expression, f"let.{name}"))
        if any(self._holds(one) for one in mapping.skip):
            return []
        rules = [rule for rule in mapping.rules if self._holds(rule.if_)]
        if not rules:
            raise Unmapped("invalid_event", "no rule of the mapping is for such an item")
        key = self._key(item, place)
        return [self._event(rule, key) for rule in rules]

    def _key(self, item: Any, place: str | None) -> str:
        if self._mapping.message_id is not None:
            key = _as_text(self._value(self._mapping.message_id, "message_id"))
            if key in (None, ""):
                raise Unmapped("invalid_event", "message_id: there is none")
            return str(key)
        return place or xxh3_128_hexdigest(_encode(item))

    def _event(self, rule: Rule, key: str) -> Mapped:
        at = f"events[{rule.index}]"
        fields: dict[str, Any] = {}
        for name, expression in rule.fields:
            value = self._value(expression, f"{at}.{name}")
            if name == "occurred_at":
                fields[name] = _moment(value, at)
            elif value is not None and value != "":
                fields[name] = _as_text(value) if name in _TEXTS else value
        properties = {}
        for name, expression in rule.properties:
            value = self._value(expression, f"{at}.properties.{name}")
            if value is not None and value != "":
                properties[name] = value
        ids = (fields.get(name) for name in _IDS)
        if not any(isinstance(one, str) and usable_id(one) for one in ids) and not (
            fields.get("phone") or fields.get("email")
        ):
            raise Unmapped("no_identity", f"{at}: no field says whose it is")
        fields["message_id"] = _message_id(self._mapping.source.name, key, rule.index)
        try:
            mapped = _contact(fields, properties, at) if rule.kind == "contact" else _tracked(
                rule.kind, fields, properties, at
            )  # fmt: skip
        except (TypeError, ValueError, OverflowError, RecursionError) as problem:
            raise Unmapped("invalid_event", f"{at}: {problem}") from None
        if len(mapped.body) > LARGEST_EVENT:
            detail = f"{at}: an event has at most {LARGEST_EVENT} bytes, not {len(mapped.body)}"
            raise Unmapped("too_large", detail)
        return mapped

    def _holds(self, expression: Expression) -> bool:
        """Whether the condition is true; an absent field makes it false."""
        try:
            return expression.program.execute(self._environment) is True
        except _WRONG:
            return False
        finally:
            self._problems.clear()

    def _value(self, expression: Expression, where: str) -> Any:
        """The value; None where it refers to an absent field."""
        try:
            value = expression.program.execute(self._environment)
        except _NOT_THERE:
            value = None
        except _WRONG as problem:
            self._problems.append(str(problem).partition(". ")[0])
            value = None
        if self._problems:
            said, self._problems = self._problems[0], []
            raise Unmapped("invalid_event", f"{where}: {said}")
        return value

    def _safe(self, function: Any) -> Any:
        """The function as CEL calls it: an exception would be printed on the way through."""

        def call(*arguments: Any) -> Any:
            if arguments and arguments[0] is None:
                return None
            try:
                return function(*arguments)
            except (TypeError, ValueError, OverflowError, AttributeError) as problem:
                self._problems.append(f"{getattr(function, '__name__', '')}: {problem}")
                return None

        return call


def _contact(fields: dict[str, Any], properties: dict[str, Any], at: str) -> Mapped:
    try:
        contact = msgspec.convert(mended_contact({**fields, "properties": properties}), Contact)
    except msgspec.ValidationError as problem:
        raise Unmapped("invalid_event", f"{at}: {problem}") from None
    return Mapped("contact", _encode(contact), contact)


def _tracked(
    kind: EventKind, fields: dict[str, Any], properties: Mapping[str, Any], at: str
) -> Mapped:
    if kind == "track" and not fields.get("event"):
        raise Unmapped("invalid_event", f"{at}: `event` is empty")
    item = {_TRACKING.get(name, name): value for name, value in fields.items()}
    item["type"] = kind
    item["traits" if kind == "identify" else "properties"] = properties
    return Mapped(kind, _encode(item))


def _moment(value: Any, at: str) -> datetime:
    """The instant of a CEL timestamp, ISO 8601 with a zone, or a number by its magnitude."""
    try:
        if isinstance(value, str) and value:
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, datetime) and value.tzinfo is not None:
            value = milliseconds(value, UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = epoch_ms(value)
        else:
            said = (
                "is empty" if value in (None, "") else f"is {value!r}; use parse_time(text, format)"
            )
            raise Unmapped("invalid_event", f"{at}.occurred_at: {said}")
        return datetime.fromtimestamp(plausible(value) / 1000, UTC)
    except (ValueError, OverflowError) as problem:
        raise Unmapped("invalid_event", f"{at}.occurred_at: {problem}") from None


def _message_id(name: str, key: str, index: int) -> str:
    found = f"{name}:{key}#{index}" if index else f"{name}:{key}"
    if len(found) <= MAX_MESSAGE_ID_LENGTH and found.isprintable():
        return found
    return f"{name[:60]}:{xxh3_128_hexdigest(found.encode('utf-8', 'surrogatepass'))}"


def _as_text(value: Any) -> Any:
    """Ids come as numbers; 7 and 7.0 are the same id."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value
