"""Line and column of a path in a playbook, such as `match[3].topic`."""

import re

import yaml

_INDEX = re.compile(r"\[(\d+)\]")
_BLANK = re.compile(r"\s")

Position = tuple[int, int]
"""(line, column), both from 1."""


def position_of(
    root: yaml.Node, where: str, text: str, *, key: bool = False, offset: int | None = None
) -> Position:
    """The position of the path in the text, as deep as the document has it: the beginning of the
    value; with `key` that of its key; with `offset` so many characters into the value (in which
    YAML may have changed blanks only).
    """
    key_node, node, complete = _found(root, where)
    if offset is not None and complete and isinstance(node, yaml.ScalarNode):
        return _inside(node, offset, text)
    chosen = key_node if key_node is not None and (key or not complete) else node
    return int(chosen.start_mark.line) + 1, int(chosen.start_mark.column) + 1


def _found(root: yaml.Node, where: str) -> tuple[yaml.Node | None, yaml.Node, bool]:
    key: yaml.Node | None = None
    node, rest = root, where
    while rest:
        index = _INDEX.match(rest)
        if isinstance(node, yaml.SequenceNode) and index and int(index[1]) < len(node.value):
            key, node = None, node.value[int(index[1])]
            rest = rest[index.end() :].removeprefix(".")
            continue
        if not isinstance(node, yaml.MappingNode):
            return key, node, False
        # A name may itself contain dots: the longest one that is there is meant. Of equal ones
        # the last: the others came from a `<<` that it overrules.
        names = [
            (len(str(name.value)), at)
            for at, (name, _) in enumerate(node.value)
            if rest == str(name.value) or rest.startswith((f"{name.value}.", f"{name.value}["))
        ]
        if not names:
            return key, node, False
        length, at = max(names)
        key, node = node.value[at]
        rest = rest[length:].removeprefix(".")
    return key, node, True


def _inside(node: yaml.ScalarNode, offset: int, text: str) -> Position:
    begin, end = int(node.start_mark.index), int(node.end_mark.index)
    if node.style in ("|", ">"):
        begin = text.find("\n", begin) + 1 or begin
    elif node.style is not None:
        begin, end = begin + 1, end - 1
    if node.style == '"' and "\\" in text[begin:end]:
        begin, offset = int(node.start_mark.index), 0
    before = len(_BLANK.sub("", str(node.value)[:offset]))
    at = last = begin
    for at in range(begin, end):
        if text[at].isspace():
            continue
        if before == 0:
            break
        before -= 1
        last = at + 1
    else:
        at = last  # beyond the end: the position after the text
    line = text.count("\n", 0, at)
    return line + 1, at - (text.rfind("\n", 0, at) + 1) + 1
