"""How large a YAML document is once its aliases are written out."""

import yaml

MAX_NODES = 100_000
"""Values of one document; the largest playbook known has some thousands."""


def expanded_size(root: yaml.Node) -> int:
    """The number of values with every alias (`*name`) and merge (`<<`) written out: nine lines of
    ten aliases each are a thousand million. ValueError where an alias holds itself."""
    sizes: dict[int, int] = {}
    begun: set[int] = set()
    waiting: list[tuple[yaml.Node, bool]] = [(root, False)]
    while waiting:
        node, parts_known = waiting.pop()
        name = id(node)
        if name in sizes:
            continue
        parts = _parts(node)
        if parts_known:
            sizes[name] = 1 + sum(sizes[id(part)] for part in parts)
            continue
        if name in begun:
            mark = node.start_mark
            raise ValueError(f"the value at line {mark.line + 1} contains itself")
        begun.add(name)
        waiting.append((node, True))
        for part in parts:
            if id(part) in begun and id(part) not in sizes:
                raise ValueError(f"the value at line {part.start_mark.line + 1} contains itself")
            waiting.append((part, False))
    return sizes[id(root)]


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return []
