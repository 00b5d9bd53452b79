"""Reads a playbook from YAML and says where it is wrong."""

import re
from pathlib import Path

import msgspec
import yaml

from schemas.playbook import Playbook
from streams.matching import RuleError
from streams.playbook import CompiledPlaybook, compile_playbook


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
        what = getattr(problem, "problem", None) or str(problem)
        raise PlaybookError(source, mark.line + 1 if mark else 1, f"not YAML: {what}") from None
    if root is None:
        raise PlaybookError(source, 1, "is empty; it needs version, ladders and match")
    try:
        return compile_playbook(msgspec.convert(document, Playbook))
    except msgspec.ValidationError as problem:
        message, _, where = str(problem).partition(" - at `$")
        line = _line_of(root, where.rstrip("`"))
        raise PlaybookError(source, line, message) from None
    except RuleError as problem:
        raise PlaybookError(source, _line_of(root, problem.where), problem.message) from None


def _line_of(node: yaml.Node, where: str) -> int:
    """The line of a path such as `match[3].topic`: as deep as the document has it."""
    for name, index in re.findall(r"\.?([A-Za-z_][\w-]*)|\[(\d+|\.\.\.)\]", where):
        if name and isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == name:
                    node = value
                    break
            else:
                break
        elif index.isdigit() and isinstance(node, yaml.SequenceNode):
            if int(index) >= len(node.value):
                break
            node = node.value[int(index)]
        else:
            break
    return int(node.start_mark.line) + 1
