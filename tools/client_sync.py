"""Make the form of a module without ``async``. ``make_client.py`` calls this.

Words are replaced, one by one, so the two forms differ in nothing else. Strings and comments stay as they are, apart
from the name of the package of the other form.
"""

import io
import tokenize

# These two are written by hand, because waiting is what the forms cannot have in common.
SHARED_BY_HAND = {"ways.py"}
DROPPED = {"async", "await"}
REPLACED = {
    "AsyncBaseTransport": "BaseTransport",
    "AsyncClient": "Client",
    "AsyncDownload": "Download",
    "AsyncEvents": "Events",
    "AsyncExitStack": "ExitStack",
    "AsyncIterator": "Iterator",
    "AsyncOperations": "Operations",
    "AsyncPages": "Pages",
    "AsyncTransport": "Transport",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "_async": "_sync",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aiter_lines": "iter_lines",
    "aread": "read",
    "asynccontextmanager": "contextmanager",
}
_ONE_SOURCE = "``tools/make_client.py`` wrote this file"


def drop_async(source: str) -> str:
    """Give a module without ``async`` and ``await``, and with the names of the other form."""
    lines = source.splitlines(keepends=True)
    edits: list[tuple[int, int, int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (row, begin), (_, end) = token.start, token.end
        if token.type == tokenize.NAME and token.string in DROPPED:
            end += len(lines[row - 1][end:]) - len(lines[row - 1][end:].lstrip(" "))  # the blanks after it go with it
            edits.append((row, begin, end, ""))
        elif token.type == tokenize.NAME and token.string in REPLACED:
            edits.append((row, begin, end, REPLACED[token.string]))
    for row, begin, end, text in reversed(edits):
        line = lines[row - 1]
        lines[row - 1] = line[:begin] + text + line[end:]
    return _say_whence("".join(lines))


def _say_whence(source: str) -> str:
    if _ONE_SOURCE in source:
        return source
    first, _, rest = source.partition("\n")
    title = first.removesuffix('"""')
    said = f'{title}\n\n{_ONE_SOURCE} from the one in ``_async``. Do not edit it.\n"""\n'
    if first.endswith('"""'):
        return said + rest
    middle, _, rest = rest.partition('"""')
    return f"{title}\n{middle}\n{_ONE_SOURCE} from the one in ``_async``. Do not edit it.\n" + '"""' + rest
