"""Just enough of SQL's surface to tell what a statement needs from its connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN = re.compile(
    r"(?P<blank>\s+|--[^\n]*|\#[ !][^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.|\"\")*\")"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<other>\d\w*|.)",
    re.DOTALL,
)
_TRAILING_FORMAT = re.compile(r"\bFORMAT\s+([A-Za-z]\w*)\s*;?\s*$", re.IGNORECASE)
_AFTER_FORMAT = re.compile(r"[ \t]*(?:\r?\n)?")

# Statements that answer with rows even when there are none to show.
ANSWERING: Final = frozenset({"SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK"})
SELECTING: Final = frozenset({"SELECT", "WITH", "FROM", "("})


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT whose rows come from the client.

    ``head`` is the statement up to its data clause, ``target`` the table, ``columns`` what is
    between the parentheses after it (empty for all columns), ``data_format`` the named input
    format (None when the text names none) and ``inline`` the data that follows in the text itself.
    """

    head: str
    target: str
    columns: str
    data_format: str | None
    inline: str


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    word: bool

    @property
    def upper(self) -> str:
        return self.text.upper() if self.word else self.text


def first_word(sql: str) -> str:
    """The statement's first word in capitals (or its first sign), comments left out."""
    token = _token_at(sql, 0)
    return token.upper if token else ""


def tokens(sql: str) -> Iterator[tuple[str, bool]]:
    """The statement's tokens without blanks and comments: (text, whether it is a bare word)."""
    position = 0
    while (token := _token_at(sql, position)) is not None:
        yield token.text, token.word
        position = token.end


def without_format(sql: str) -> tuple[str, str | None]:
    """Split a trailing ``FORMAT name`` off; gives the rest and the name, or None without one."""
    found = _TRAILING_FORMAT.search(sql)
    if found is None:
        return sql.rstrip().removesuffix(";"), None
    return sql[: found.start()], found[1]


def insert_of(sql: str) -> Insert | None:
    """Take an INSERT with client data apart; None for every other statement.

    INSERT … SELECT and INSERT … FROM INFILE are other statements: the engine runs them whole.
    """
    words = _Walk(sql)
    if not (words.accept("INSERT") and words.accept("INTO")):
        return None
    words.accept("TABLE")
    target = words.function() if words.accept("FUNCTION") else words.name()
    columns = words.parenthesised()[1:-1] if words.sees("(") and not words.sees_query() else ""
    while words.here and words.here.upper not in ("VALUES", "FORMAT", *SELECTING):
        words.advance()
    end = words.here.start if words.here else len(sql)
    head = sql[:end].rstrip().removesuffix(";")
    if words.accept("VALUES"):
        inline = sql[words.behind :]
        return Insert(
            head, target, columns, "Values", "" if inline.strip(" \r\n\t;") == "" else inline
        )
    if words.accept("FORMAT") and words.here:
        words.advance()
        start = words.behind
        gap = _AFTER_FORMAT.match(sql, start)
        inline = sql[gap.end() if gap else start :]
        name = sql[:start].rsplit(maxsplit=1)[-1]
        return Insert(head, target, columns, name, "" if inline.strip() in ("", ";") else inline)
    if words.here is None and words.last != "INFILE":
        return Insert(head, target, columns, None, "")
    return None


class _Walk:
    """A cursor over the tokens that matter."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self.behind = 0
        self.last = ""
        self.here = _token_at(sql, 0)

    def advance(self) -> None:
        """Step over the token the cursor is on."""
        if self.here:
            self.behind, self.last = self.here.end, self.here.upper
            self.here = _token_at(self._sql, self.behind)

    def sees(self, text: str) -> bool:
        return self.here is not None and self.here.upper == text

    def sees_query(self) -> bool:
        """True at a parenthesis that opens a query, not a list of columns."""
        after = _token_at(self._sql, self.here.end) if self.here else None
        return after is not None and after.upper in SELECTING

    def accept(self, text: str) -> bool:
        found = self.sees(text)
        if found:
            self.advance()
        return found

    def name(self) -> str:
        """A table's name, with its database when it is given."""
        start = self.here.start if self.here else self.behind
        self.advance()
        while self.accept("."):
            self.advance()
        return self._sql[start : self.behind]

    def function(self) -> str:
        """``FUNCTION name(arguments)``."""
        start = self.here.start if self.here else self.behind
        self.advance()
        self.parenthesised()
        return "FUNCTION " + self._sql[start : self.behind]

    def parenthesised(self) -> str:
        """A parenthesis and everything up to its partner."""
        start, depth = self.here.start if self.here else self.behind, 0
        while self.here:
            depth += self.sees("(") - self.sees(")")
            self.advance()
            if depth == 0:
                break
        return self._sql[start : self.behind]


def _token_at(sql: str, position: int) -> _Token | None:
    while position < len(sql):
        found = _TOKEN.match(sql, position)
        if found is None:
            return None
        position = found.end()
        if found["blank"] is None:
            return _Token(found[0], found.start(), found.end(), found["word"] is not None)
    return None
