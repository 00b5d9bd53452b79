"""Versions of definitions, and the control records that put them in force on the log.

All definitions are on one partition: every reader sees one order and decides alike which of two
concurrent changes is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeGuard

import msgspec
from xxhash import xxh3_128_hexdigest

from schemas.definition import Definition, InForce
from schemas.event import Event

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Definition)
_in_force_decoder = msgspec.json.Decoder(dict[str, InForce])


def version_of(content: str) -> str:
    """The version of a content: 12 hexadecimal digits of its 128-bit XXH3."""
    return xxh3_128_hexdigest(content.encode("utf-8", "surrogatepass"))[:12]


def encode_definition(definition: Definition) -> bytes:
    """One definition as JSON."""
    return _encoder.encode(definition)


def decode_definition(data: bytes) -> Definition:
    """The definition in the JSON. Raises `codec.UNREADABLE`."""
    return _decoder.decode(data)


def encode_in_force(found: Mapping[str, InForce]) -> str:
    """The versions in force, by kind, as text; `""` for none. Equal for equal mappings."""
    return _encoder.encode(dict(sorted(found.items()))).decode() if found else ""


def decode_in_force(text: str) -> dict[str, InForce]:
    """The inverse of `encode_in_force`. Raises `codec.UNREADABLE`."""
    return _in_force_decoder.decode(text) if text else {}


class Definitions:
    """The accepted definitions by kind, in the order of their Kafka topic."""

    def __init__(self, definitions: Iterable[Definition] = ()) -> None:
        self._by_kind: dict[str, list[Definition]] = {}
        self.count = 0
        """Number of accepted definitions."""
        for definition in definitions:
            self.add(definition)

    def add(self, definition: Definition) -> bool:
        """Adds the next definition of the topic; False where it is refused: it replaces another
        version than the latest, is older, or is a duplicate."""
        known = self._by_kind.setdefault(definition.kind, [])
        latest = known[-1] if known else None
        if latest is not None and definition.at <= latest.at:
            return False
        standing = "" if latest is None else latest.version
        if definition.replaces is not None and definition.replaces != standing:
            return False
        known.append(definition)
        self.count += 1
        return True

    def history(self, kind: str) -> Sequence[Definition]:
        """All of a kind, the first one first."""
        return tuple(self._by_kind.get(kind, ()))

    def latest(self, kind: str) -> Definition | None:
        """The definition adopted last."""
        known = self._by_kind.get(kind)
        return known[-1] if known else None

    def first(self, kind: str) -> Definition | None:
        """The definition in force at the beginning of a log."""
        known = self._by_kind.get(kind)
        return known[0] if known else None

    def find(self, kind: str, version: str, at: int | None = None) -> Definition | None:
        """The latest definition of that version (and of that time, if given)."""
        for definition in reversed(self._by_kind.get(kind, ())):
            if definition.version == version and (at is None or definition.at == at):
                return definition
        return None

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds present."""
        return tuple(self._by_kind)

    def __iter__(self) -> Iterator[Definition]:
        for known in self._by_kind.values():
            yield from known


def adopt_event(definition: Definition, partition: int, now: int) -> Event:
    """The control record that puts a definition in force on one partition from its offset on. The
    message id is deterministic: a second append changes nothing.
    """
    return Event(
        message_id=f"adopt:{definition.kind}:{definition.version}:{definition.at}:{partition}",
        type="adopt",
        channel="daehwa",
        name=definition.kind,
        occurred_at=definition.at,
        received_at=now,
        properties={
            "kind": definition.kind,
            "version": definition.version,
            "at": definition.at,
            "by": definition.by,
        },
    )


class Adoption(msgspec.Struct, frozen=True, gc=False):
    """The content of a control record."""

    kind: str
    version: str
    at: int


def adoption_of(event: Event) -> Adoption | None:
    """The adoption in the control record; None for another record or an invalid one."""
    if event.type != "adopt":
        return None
    kind, version = event.properties.get("kind"), event.properties.get("version")
    at = event.properties.get("at")
    if not isinstance(kind, str) or not isinstance(version, str) or not _is_instant(at):
        return None
    return Adoption(kind, version, at)


def _is_instant(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
