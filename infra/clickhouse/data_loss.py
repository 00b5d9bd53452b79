"""Finds statements that lose stored data: a migration does so only where an operator allows it."""

import re

_QUOTED = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`""", re.DOTALL)

_STATEMENTS = re.compile(
    r"""
    (?: DROP \s (?: TEMPORARY \s )? (?: TABLE | VIEW | DATABASE | DICTIONARY )
      | DETACH \s (?: TABLE | DATABASE )
      | TRUNCATE | DELETE \s FROM | UPDATE
      | (?: CREATE \s OR \s )? REPLACE \s (?: TEMPORARY \s )? TABLE ) \b
    """,
    re.VERBOSE,
)
"""First words of a statement. A view that is dropped may be a materialized one, with data."""

_COMMANDS = re.compile(
    r"""
    \b (?: DROP \s (?: COLUMN | PARTITION | PART | DETACHED )
      | CLEAR \s COLUMN | DETACH \s PART (?: ITION )? | DELETE \s WHERE | UPDATE
      | REPLACE \s PARTITION | MOVE \s PARTITION
      | MODIFY \s COLUMN | MODIFY \s TTL ) \b
    """,
    re.VERBOSE,
)
"""Commands of an ALTER TABLE. Another type of a column may hold less, another TTL expires more."""


def data_loss(statement: str) -> str | None:
    """The words of the statement by which stored data may be lost; None for one that keeps it.
    Words within quotes do not count."""
    plain = " ".join(_QUOTED.sub("''", statement).upper().split())
    found = _STATEMENTS.match(plain)
    if found is None and plain.startswith("ALTER TABLE"):
        found = _COMMANDS.search(plain)
    return None if found is None else found[0].strip()
