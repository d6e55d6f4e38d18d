"""Splits a migration into its statements. A distributed database refuses several statements in one string.

It knows comments, texts, quoted names and bodies between dollar signs. It does not know comments within comments and
bodies that begin with BEGIN ATOMIC: a test sends each statement of each migration alone, and would fail.
"""

import re

_TOKENS = re.compile(
    r"""
    --[^\n]* | /\*.*?\*/
    | (?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | (?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)
    | ;
    """,
    re.DOTALL | re.VERBOSE,
)
_COMMENTS = ("--", "/*")


def split_statements(sql: str) -> list[str]:
    """Give the statements of a file in order, without the comments between their words."""
    statements: list[str] = []
    parts: list[str] = []
    place = 0
    for token in _TOKENS.finditer(sql):
        parts.append(sql[place : token.start()])
        place = token.end()
        if token[0] == ";":
            statements.append("".join(parts))
            parts = []
        else:
            parts.append(" " if token[0].startswith(_COMMENTS) else token[0])
    statements.append("".join([*parts, sql[place:]]))
    return [bare for statement in statements if (bare := statement.strip())]
