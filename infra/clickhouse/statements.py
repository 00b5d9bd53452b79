"""Takes the statements of an SQL file apart."""

import re

_PIECE = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ )
  | (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*` )
  | (?P<end> ; )
  | (?P<text> [^-/'"`;]+ | . )
    """,
    re.DOTALL | re.VERBOSE,
)


def split_statements(text: str) -> list[str]:
    """The statements of the file without comments; a semicolon within quotes ends nothing."""
    statements: list[str] = []
    current: list[str] = []
    for piece in _PIECE.finditer(text):
        if piece["comment"] is not None:
            current.append(" ")
        elif piece["end"] is not None:
            statements.append("".join(current).strip())
            current = []
        else:
            current.append(piece[0])
    statements.append("".join(current).strip())
    return [statement for statement in statements if statement]
