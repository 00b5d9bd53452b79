"""Expressions of the playbook: CEL (Common Expression Language), compiled once.

`has(traits.plan)` and `"call" in channels` ask whether something is known. What is not known makes
an expression not hold, whatever it says about it: neither `tier == "top"` nor `tier != "top"` holds
of a customer whose tier nobody knows; `||` still holds by its other side.
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
"""Loops within one another; a third over the topics of a busy customer would take half a second."""

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
    """A condition that a customer fulfils or not."""

    source: str
    names: frozenset[str]
    """The facts it speaks of: what `holds` has to be given, and nothing else."""
    program: Any
    """The compiled `cel.Program`."""

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is true of the facts. False where it meets something that is not there or of
        another kind than it thinks; never raises."""
        try:
            return self.program.execute(facts) is True
        except _NOT_KNOWN:
            return False


def compile_expression(
    text: str, where: str, known: Collection[str], functions: Collection[str] = FUNCTIONS
) -> Expression:
    """The compiled expression over the facts named in `known`.

    RuleError on what is not CEL and on names and functions nobody knows, with the nearest word.
    """
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise RuleError(where, f"an expression is at most {MAX_EXPRESSION_LENGTH} characters long")
    # A text in quotes may look like anything; blanks keep every position where it was.
    bare = _TEXTS.sub(lambda found: " " * len(found[0]), text)
    # Before it is compiled: a loop in a loop in a loop takes all memory there already.
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
    """Where a loop begins that is within more loops than it may be."""
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
