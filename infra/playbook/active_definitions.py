"""Definitions in force at a log offset: compiled playbook, models, versions."""

from collections import OrderedDict
from collections.abc import Mapping

import msgspec
import structlog

from infra.metrics import DEFINITIONS_UNUSABLE
from infra.playbook.playbook_file import PlaybookError, parse_playbook
from schemas.definition import CHURN_MODEL, PLAYBOOK, Definition, InForce
from schemas.models import ChurnModels
from streams.codec.codec import UNREADABLE
from streams.definitions.definitions import Adoption, Definitions
from streams.playbook.compiled import CompiledPlaybook

MAX_COMPILED = 16

DEFAULT_CHURN = ChurnModels()
"""Defaults until one is adopted."""

log = structlog.get_logger()


class ActiveDefinitions(msgspec.Struct, frozen=True):
    """The definitions in force on one partition, compiled."""

    playbook: CompiledPlaybook
    churn: ChurnModels
    in_force: Mapping[str, InForce]
    """By kind; without models that were never adopted."""


class UnusableError(Exception):
    """The definition is unusable for this version of Daehwa; the text says why."""


class Compiler:
    """Compiles definitions, each once, and logs unusable ones once. `otherwise` is the playbook
    where no published one is usable.
    """

    def __init__(self, otherwise: CompiledPlaybook) -> None:
        self._otherwise = otherwise
        self._playbooks: OrderedDict[str, CompiledPlaybook] = OrderedDict()
        self._told: set[tuple[str, str]] = set()

    def playbook(self, definition: Definition) -> CompiledPlaybook:
        """The compiled playbook. Raises `UnusableError`."""
        version = definition.version
        playbook = self._playbooks.get(version)
        if playbook is None:
            try:
                playbook = parse_playbook(definition.content, f"playbook {version}")
            except PlaybookError as problem:
                raise self._unusable(definition, str(problem)) from None
            self._playbooks[version] = playbook
            if len(self._playbooks) > MAX_COMPILED:
                self._playbooks.popitem(last=False)
        self._playbooks.move_to_end(version)
        return playbook

    def churn(self, definition: Definition) -> ChurnModels:
        """The models of churn and value. Raises `UnusableError`."""
        try:
            return msgspec.json.decode(definition.content, type=ChurnModels)
        except UNREADABLE as problem:
            raise self._unusable(definition, str(problem)) from None

    def latest_playbook(self, known: Definitions) -> Definition | None:
        """The usable playbook adopted last; None without one."""
        for definition in reversed(known.history(PLAYBOOK)):
            try:
                self.playbook(definition)
            except UnusableError:
                continue
            return definition
        return None

    def standing(
        self, known: Definitions, in_force: Mapping[str, InForce]
    ) -> ActiveDefinitions | None:
        """The active definitions for a watermark; empty: those at the beginning of a log. None
        while the definitions are not known yet. An unusable definition leaves its predecessor in
        force.
        """
        said = dict(in_force)
        if PLAYBOOK not in said:
            first = known.first(PLAYBOOK)
            if first is None:
                return None
            said[PLAYBOOK] = InForce(first.version, first.at)
        found: dict[str, Definition] = {}
        for kind, named in said.items():
            definition = _named(known, kind, named.version, named.at)
            if definition is None:
                return None
            found[kind] = definition
        playbook = self._usable_playbook(known, found[PLAYBOOK])
        churn = DEFAULT_CHURN
        if CHURN_MODEL in found:
            try:
                churn = self.churn(found[CHURN_MODEL])
            except UnusableError:
                churn = DEFAULT_CHURN
        return ActiveDefinitions(playbook, churn, said)

    def after(
        self, active: ActiveDefinitions, known: Definitions, adoption: Adoption
    ) -> ActiveDefinitions | None:
        """The active definitions after a control record; None while its definition is not known. An
        older definition changes nothing, nor does an unusable one: a version of Daehwa that can use
        it adopts it later.
        """
        kind = adoption.kind
        standing = active.in_force.get(kind)
        if standing is not None and adoption.at <= standing.at:
            return active
        definition = _named(known, kind, adoption.version, adoption.at)
        if definition is None:
            return None
        playbook, churn = active.playbook, active.churn
        try:
            if kind == PLAYBOOK:
                playbook = self.playbook(definition)
            elif kind == CHURN_MODEL:
                churn = self.churn(definition)
        except UnusableError:
            return active
        return ActiveDefinitions(
            playbook, churn, {**active.in_force, kind: InForce(adoption.version, adoption.at)}
        )

    def _usable_playbook(self, known: Definitions, definition: Definition) -> CompiledPlaybook:
        history = known.history(PLAYBOOK)
        before = [one for one in history if one.at <= definition.at]
        after = [one for one in history if one.at > definition.at]
        for one in (*reversed(before), *after):
            try:
                return self.playbook(one)
            except UnusableError:
                continue
        return self._otherwise

    def _unusable(self, definition: Definition, why: str) -> UnusableError:
        name = (definition.kind, definition.version)
        if name not in self._told:
            self._told.add(name)
            DEFINITIONS_UNUSABLE.labels(definition.kind).inc()
            log.error(
                "a definition cannot be used by this version of Daehwa; the one before it stays",
                kind=definition.kind, version=definition.version, by=definition.by, problem=why,
            )  # fmt: skip
        return UnusableError(f"{definition.kind} {definition.version}: {why}")


def _named(known: Definitions, kind: str, version: str, at: int) -> Definition | None:
    # The version is a hash of the content: a later publication of it decides the same.
    return known.find(kind, version, at) or known.find(kind, version)
