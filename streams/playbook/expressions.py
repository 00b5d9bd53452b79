"""Expressions of the playbook: CEL (Common Expression Language), compiled once.

`has(traits.plan)` and `"call" in channels` test whether a fact is known. An unknown fact makes a
comparison false: neither `tier == "top"` nor `tier != "top"` holds while the tier is unknown; `||`
can still hold by its other operand.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from streams.playbook.errors import RuleError
from streams.playbook.suggestions import choices

MAX_EXPRESSION_LENGTH = 2_000
"""Characters."""

DEEPEST_LOOP = 2
"""Maximum depth of nested loops; a third over the topics of a busy customer would take half a
second."""

FUNCTIONS = (
    "size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string",
    "type", "dyn", "min", "max", "bool", "bytes", "timestamp", "duration", "getFullYear",
    "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
    "getMinutes", "getSeconds", "getMilliseconds",
)  # fmt: skip
"""What an expression may call, beside the macros has, all, exists, exists_one, map and filter."""

_MACROS = ("has", "all", "exists", "exists_one", "map", "filter")
_TYPES = frozenset({"int", "uint", "double", "string", "bool", "list", "map", "null_type", "bytes"})
_TEXTS = re.compile(r"""r?"(?:\\.|[^"\\])*"|r?'(?:\\.|[^'\\])*'|//[^\n]*""")
_LOOP_BEGINS = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")
_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_SYNTAX = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_NOT_KNOWN = (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError)


class Expression(msgspec.Struct, frozen=True, gc=False):
    """A compiled condition on a customer."""

    source: str
    names: frozenset[str]
    """Names of the facts it uses: the keys that `holds` needs."""
    program: Any
    """The compiled `cel.Program`."""

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is true of the facts. False for an unknown fact or a wrong type; never
        raises."""
        try:
            return self.program.execute(facts) is True
        except _NOT_KNOWN:
            return False


def compile_expression(
    text: str, where: str, known: Collection[str], functions: Collection[str] = FUNCTIONS
) -> Expression:
    """The compiled expression over the facts named in `known`.

    Raises `RuleError` for invalid CEL, and for unknown names and functions with the nearest known
    word.
    """
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise RuleError(where, f"an expression is at most {MAX_EXPRESSION_LENGTH} characters long")
    # A text in quotes may look like anything; blanks keep every position where it was.
    bare = _TEXTS.sub(lambda found: " " * len(found[0]), text)
    # Before compiling: three nested loops take all memory in the compiler.
    deeper = _loop_too_deep(bare)
    if deeper is not None:
        raise RuleError(where, "a loop (all, exists, map …) may hold one other, not more", deeper)
    # Only where there is an expression: the package imports a terminal UI, a third of a second.
    import cel  # noqa: PLC0415

    try:
        program = cel.compile(text)
    except ValueError as problem:
        raise _not_cel(str(problem), text, where) from None
    own = set(_LOOP.findall(bare))
    referred = program.references()
    for name in sorted(own & set(known)):
        raise RuleError(where, f"{name!r} is a fact; call the element something else",
                        _position(name, bare))  # fmt: skip
    for name in referred["functions"]:
        if name.isidentifier() and name not in functions and not name.startswith("_"):
            raise RuleError(
                where, f"no function is called {name!r}; {choices(name, (*functions, *_MACROS))}",
                _position(name, bare),
            )  # fmt: skip
    names = set(referred["variables"]) - own - _TYPES
    for name in sorted(names - set(known), key=lambda name: _position(name, bare) or 0):
        raise RuleError(
            where, f"nothing is called {name!r}; {choices(name, sorted(known))}",
            _position(name, bare),
        )  # fmt: skip
    return Expression(text, frozenset(names), program)


def _loop_too_deep(text: str) -> int | None:
    """Offset of the first loop nested too deep."""
    begins = {found.end() - 1: found.start() + 1 for found in _LOOP_BEGINS.finditer(text)}
    open_: list[bool] = []  # of each parenthesis that is open, whether it is a loop's
    for at, sign in enumerate(text):
        if sign == "(":
            open_.append(at in begins)
            if sum(open_) > DEEPEST_LOOP:
                return begins[at]
        elif sign == ")" and open_:
            open_.pop()
    return None


def _position(word: str, text: str) -> int | None:
    found = re.search(rf"(?<![\w.]){re.escape(word)}\b", text) or re.search(
        rf"\b{re.escape(word)}\b", text
    )
    return found.start() if found else None


def _not_cel(problem: str, text: str, where: str) -> RuleError:
    found = _SYNTAX.search(problem)
    if found is None:
        return RuleError(where, "is not an expression (CEL)")
    line, column, said = int(found[1]), int(found[2]), found[3]
    before = text.split("\n")[: line - 1]
    offset = sum(len(part) + 1 for part in before) + column - 1
    said = said.removeprefix("Syntax error: ").partition(" expecting {")[0]
    word = re.search(r"'(and|or|not|=|AND|OR|NOT)\s*'", said)
    if word:
        meant = {"and": "&&", "or": "||", "not": "!", "=": "=="}[word[1].lower()]
        said = f"{said}; CEL writes {meant}"
    elif "'<EOF>'" in said:
        said = said.replace("mismatched input '<EOF>'", "it ends too early")
    return RuleError(where, f"is not an expression (CEL): {said}", offset)
