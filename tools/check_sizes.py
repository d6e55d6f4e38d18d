"""Check the limits on size: no Python file over 400 lines, no function of the program over 60."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "bench", "tools", "client/src", "client/tests")
# A generated file is as long as the API's document makes it. Nobody edits it, and what writes it has the limits.
GENERATED = "``tools/make_client.py`` wrote this file"
HEAD_CHARACTERS = 200
PROGRAMS = ("src", "client/src")


def find_long_functions(name: str, source: str) -> Iterator[str]:
    """Give a sentence for each function of the source that is too long. Decorators do not count."""
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines_count = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines_count > FUNCTION_LINES_MAX:
                yield (
                    f"{name}:{node.lineno}: the function {node.name} has {lines_count} lines; "
                    f"at most {FUNCTION_LINES_MAX} are allowed."
                )


def check_file(folder: str, path: Path) -> Iterator[str]:
    """Give a sentence for each limit that the file breaks."""
    source = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix()
    if GENERATED in source[:HEAD_CHARACTERS]:
        return
    lines_count = len(source.splitlines())
    if lines_count > FILE_LINES_MAX:
        yield f"{name}: the file has {lines_count} lines; at most {FILE_LINES_MAX} are allowed."
    if folder in PROGRAMS:
        yield from find_long_functions(name, source)


def main() -> int:
    """Print every offender and give the exit status: 1 if there is one."""
    files = [(folder, path) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    offences = [offence for folder, path in files for offence in check_file(folder, path)]
    for offence in offences:
        print(offence)
    print(f"{len(files)} Python files looked at, {len(offences)} over a limit.")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
