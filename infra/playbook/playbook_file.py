"""Reads a playbook from YAML; reports every mistake with line and column."""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
import yaml
from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from infra.playbook.positions import position_of
from infra.playbook.shape import LOST, Misshapen, shaped
from infra.playbook.time_zones import time_zones, with_time_zones
from infra.playbook.yaml_size import MAX_NODES, expanded_size
from schemas.playbook import Playbook
from streams.definitions.compile import compile_playbook
from streams.definitions.definitions import version_of
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.errors import RuleError, RuleErrors

_ITEM = re.compile(r"(match|triggers)\[(\d+)\]")


class Mistake(msgspec.Struct, frozen=True, order=True):
    """One mistake and how to correct it. Line and column count from 1."""

    line: int
    column: int
    message: str


class PlaybookError(Exception):
    """The playbook is invalid. `mistakes` has all mistakes in the order of the file, at least one;
    `line`, `column` and `message` are those of the first."""

    def __init__(self, source: str, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(
            f"{source}:{one.line}:{one.column}: {one.message}" for one in mistakes
        ))  # fmt: skip
        self.source = source
        self.mistakes = mistakes
        self.line = mistakes[0].line
        self.column = mistakes[0].column
        self.message = mistakes[0].message


class _Loader(yaml.SafeLoader):
    """YAML as editors read it (version 1.2): 21:30 is a text, not 1290, and a date is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, _DECIMAL if tag == "tag:yaml.org,2002:int" else pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:timestamp"
    ]
    for _DECIMAL in (re.compile(r"[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)$"),)
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_playbook(path: Path) -> CompiledPlaybook:
    """The compiled playbook in the file. Raises `PlaybookError`, also for a missing file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        mistake = Mistake(1, 1, f"cannot be read: {problem}")
        raise PlaybookError(str(path), (mistake,)) from None
    return parse_playbook(text, str(path))


def parse_playbook(text: str, source: str) -> CompiledPlaybook:
    """The compiled playbook in the text; `source` names it in errors. Raises `PlaybookError`."""
    root, document, mistakes = loaded_yaml(text, source, "version, ladders and match")
    wrong: list[Misshapen] = []
    written = _with_stand_ins(document, shaped(document, Playbook, wrong))
    mistakes += [
        Mistake(*position_of(root, one.where, text, key=one.unknown), one.message) for one in wrong
    ]
    if written is not None:
        playbook = msgspec.convert(written, Playbook)
        errors = _outside(playbook)
        try:
            compiled = compile_playbook(playbook, version_of(text))
            if not errors and not mistakes:
                return with_time_zones(compiled)
        except RuleErrors as problems:
            errors += problems.errors
        # Consequences of reported mistakes are not reported.
        told = {_part(one.where) for one in wrong if not one.unknown}
        mistakes += [
            Mistake(*position_of(root, error.where, text, offset=error.offset), error.message)
            for error in errors
            if _part(error.where) not in told
        ]
    raise PlaybookError(source, tuple(dict.fromkeys(sorted(mistakes))))


def loaded_yaml(text: str, source: str, needs: str) -> tuple[yaml.Node, Any, list[Mistake]]:
    """The nodes of a YAML text, its document, and duplicate names. Raises `PlaybookError` for
    invalid YAML, and for an empty file with what it `needs`."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is not None and expanded_size(root) > MAX_NODES:
            said = f"its anchors and merges (`<<`) make more than {MAX_NODES} values of it"
            raise PlaybookError(source, (Mistake(1, 1, said),))
        mistakes = [] if root is None else _repeated_keys(root)
        document = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        what = getattr(problem, "problem", None) or str(problem).partition("\n")[0]
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise PlaybookError(source, (Mistake(line, column, f"not YAML: {what}"),)) from None
    except (ValueError, TypeError, RecursionError) as problem:
        raise PlaybookError(source, (Mistake(1, 1, f"not YAML: {problem}"),)) from None
    if root is None or document is None:
        said = f"is empty; it needs {needs}"
        raise PlaybookError(source, (Mistake(1, 1, said),))
    return root, document, mistakes


def _repeated_keys(root: yaml.Node) -> list[Mistake]:
    """Duplicate keys: YAML silently keeps the last."""
    waiting, seen, mistakes = [root], set(), []
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias (`*name`) may even contain itself
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            names = set()
            for key, value in node.value:
                if isinstance(key.value, str) and key.value in names:
                    mark = key.start_mark
                    said = f"{key.value!r} is given twice"
                    mistakes.append(Mistake(mark.line + 1, mark.column + 1, said))
                if isinstance(key.value, str):
                    names.add(key.value)
                waiting.append(value)
    return mistakes


def _part(where: str) -> str:
    """The trigger, match rule, segment… of a path."""
    item = _ITEM.match(where)
    if item:
        return item[0]
    first, _, rest = where.partition(".")
    return f"{first}.{rest.partition('.')[0]}" if first in _STAND_INS and rest else first


_STAND_INS: dict[str, Any] = {
    "match": {"topic": "x", "stage": "x", "event": "x"},
    "triggers": {"when": "churn.risk"},
    "segments": {"if": "true"},
    "endpoints": {"kind": "call_list"},
    "templates": {"text": ""},
    "campaigns": {"conversion": "*", "stages": [], "within": "1d"},
}
"""Placeholder of an invalid part, so that mistakes in the others are found, too."""


def _with_stand_ins(document: Any, kept: Any) -> Any:
    """The document with placeholders for invalid parts; None where that is impossible."""
    if kept is LOST:
        return None
    for part, stand_in in _STAND_INS.items():
        if document.get(part) is None:
            continue
        if part not in kept:  # not even a list or names
            return None
        if isinstance(kept[part], list):
            for index, one in enumerate(kept[part]):
                if one is LOST:
                    named = {"name": f"{part}[{index}]"} if part == "triggers" else {}
                    kept[part][index] = {**stand_in, **named}
        else:
            for name in document[part]:
                if isinstance(name, str):
                    kept[part].setdefault(name, stand_in)
    return kept


def _outside(playbook: Playbook) -> list[RuleError]:
    """Mistakes that need libraries outside of `streams`: time zones and templates."""
    errors = []
    hours = playbook.policy.quiet_hours
    if hours is not None:
        zones = time_zones()
        if zones and hours.zone not in zones:
            near = get_close_matches(hours.zone, zones, n=1, cutoff=0.5)
            said = f"no time zone is called {hours.zone!r}; write for example Europe/Paris"
            said += f"; did you mean {near[0]!r}?" if near else ""
            errors.append(RuleError("policy.quiet_hours.zone", said))
    for name, template in playbook.templates.items():
        for field in ("subject", "text", "html"):
            text = getattr(template, field)
            try:
                _templates.from_string(text)
            except TemplateSyntaxError as problem:
                lines = text.split("\n")[: max(0, (problem.lineno or 1) - 1)]
                offset = sum(len(line) + 1 for line in lines)
                said = f"is not a template (Jinja2): {problem.message}"
                errors.append(RuleError(f"templates.{name}.{field}", said, offset))
    return errors


_templates = ImmutableSandboxedEnvironment(autoescape=True)
