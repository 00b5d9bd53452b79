"""Reads a playbook from YAML and says where it is wrong."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import yaml
from xxhash import xxh3_128_hexdigest

from schemas.playbook import MatchRule, Playbook, TriggerRule
from streams.playbook import CompiledPlaybook, compile_playbook
from streams.rule_error import RuleErrors
from streams.suggestions import choices

_PARTS: dict[str, type[msgspec.Struct]] = {"match": MatchRule, "triggers": TriggerRule}
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*)`")
_WRONG_CHOICE = re.compile(r"Invalid enum value '(.*)'")


class PlaybookError(Exception):
    """The playbook is wrong: `source`, `line` (from 1) and how to mend it."""

    def __init__(self, source: str, line: int, message: str) -> None:
        super().__init__(f"{source}:{line}: {message}")
        self.source = source
        self.line = line
        self.message = message


def read_playbook(path: Path) -> CompiledPlaybook:
    """The compiled playbook in the file. PlaybookError where it is wrong or missing."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise PlaybookError(str(path), 1, f"cannot be read: {problem}") from None
    return parse_playbook(text, str(path))


def parse_playbook(text: str, source: str) -> CompiledPlaybook:
    """The compiled playbook in the text; `source` names it in errors. PlaybookError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        what = getattr(problem, "problem", None) or str(problem).partition("\n")[0]
        raise PlaybookError(source, mark.line + 1 if mark else 1, f"not YAML: {what}") from None
    except (ValueError, RecursionError) as problem:  # such as the date 2024-99-99
        raise PlaybookError(source, 1, f"not YAML: {problem}") from None
    if root is None:
        raise PlaybookError(source, 1, "is empty; it needs version, ladders and match")
    _refuse_repeated_keys(root, source)
    try:
        version = xxh3_128_hexdigest(text.encode())[:12]
        return compile_playbook(msgspec.convert(document, Playbook), version)
    except msgspec.ValidationError as problem:
        raise _explained(str(problem), root, source) from None
    except RuleErrors as problems:
        first = problems.errors[0]
        raise PlaybookError(source, _line_of(root, first.where), first.message) from None


def _explained(problem: str, root: yaml.Node, source: str) -> PlaybookError:
    """msgspec's message with the line it speaks of and the words it would have accepted."""
    message, _, place = problem.partition(" - at `")
    place = place.rpartition("$")[2].rstrip("`")
    field = place.removesuffix("[...]").rpartition(".")[2]
    part = re.match(r"\.(\w+)\[", place)
    struct = _PARTS.get(part[1], Playbook) if part else Playbook
    unknown = _UNKNOWN_FIELD.match(message)
    wrong = _WRONG_CHOICE.match(message)
    if unknown:
        message = f"unknown field {unknown[1]!r}; {choices(unknown[1], struct.__struct_fields__)}"
        place = f"{place}.{unknown[1]}"
    elif wrong:
        allowed = get_args(get_type_hints(struct)[field])
        message = f"{wrong[1]!r} is no {field!r}; {choices(wrong[1], allowed)}"
    elif field:
        message = f"{field}: {message}"
    return PlaybookError(source, _line_of(root, place), message)


def _line_of(node: yaml.Node, where: str) -> int:
    """The line of a path such as `match[3].topic`: as deep as the document has it."""
    line = int(node.start_mark.line)
    for name, index in re.findall(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]", where):
        if name and isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == name:
                    node, line = value, int(key.start_mark.line)
                    break
            else:
                break
        elif index.isdigit() and isinstance(node, yaml.SequenceNode):
            if int(index) >= len(node.value):
                break
            node = node.value[int(index)]
            line = int(node.start_mark.line)
        else:
            break
    return line + 1


def _refuse_repeated_keys(root: yaml.Node, source: str) -> None:
    """YAML keeps the last of two equal keys in silence; here both were meant."""
    waiting, seen = [root], set()
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
                    line = int(key.start_mark.line) + 1
                    raise PlaybookError(source, line, f"{key.value!r} is given twice")
                if isinstance(key.value, str):
                    names.add(key.value)
                waiting.append(value)
