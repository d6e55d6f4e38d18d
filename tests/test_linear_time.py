"""Text from outside meets linear code only: four times the length takes about four times as long, not sixteen.

Processor time is compared with processor time on the same machine, and what looks slow is measured again, so that a
busy machine fails nobody.
"""

import ast
import re
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import padron
from tests import effort
from tests.hard_texts import FUNCTIONS
from tests.patterns import collect_patterns, run, write_texts
from tests.tables import each_row

SIZE = effort.LINEAR_CHARACTERS  # and four times as many, which in the long form is the longest header
GROWTH_MAX = 9.0  # linear is 4, the square 16
FLOOR_S = 0.004  # below, times say nothing
ROUNDS = 4


PATTERNS = collect_patterns()


def measure(call: Callable[[], object]) -> float:
    """Give the processor time of a call, in seconds."""
    started = time.thread_time()
    call()
    return time.thread_time() - started


def is_linear(short: Callable[[], object], long: Callable[[], object]) -> bool:
    """Say whether the call over four times the text takes no more than linear time allows."""
    for rounds in (1, ROUNDS):
        # The short text before and after: what slows the machine down meanwhile must not make the square look linear.
        times = [(measure(short), measure(long), measure(short)) for _ in range(rounds)]
        short_s = min(min(before_s, after_s) for before_s, _, after_s in times)
        if min(long_s for _, long_s, _ in times) <= max(FLOOR_S, GROWTH_MAX * short_s):
            return True
    return False


def find_slow_text(pattern: re.Pattern[Any], method: str, size: int) -> str | None:
    """Give a text over which the expression takes more than linear time; None when there is none."""
    for place, long in enumerate(write_texts(pattern, 4 * size)):
        call = run(pattern, method, long)
        if measure(call) > FLOOR_S:
            short = next(islice(write_texts(pattern, size), place, None))
            if not is_linear(run(pattern, method, short), call):
                return long
    return None


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_each_expression_takes_linear_time(name: str) -> None:
    pattern, methods = PATTERNS[name]
    for method in methods:
        slow = find_slow_text(pattern, method, SIZE)
        assert slow is None, f"{method} over {slow[:50]!r} … {slow[-5:]!r}"


@each_row("group", sorted({name.partition("-")[0] for name in FUNCTIONS}))
def test_each_function_that_meets_outside_text_takes_linear_time(group: str) -> None:
    for name, made in FUNCTIONS.items():
        if name.partition("-")[0] == group:
            assert is_linear(made.make(made.size), made.make(4 * made.size)), name


def test_no_expression_is_compiled_where_it_is_not_found() -> None:
    """Every use of ``re`` is a compiled one in a module's own names, where the test above finds it."""
    root = Path(padron.__path__[0])
    for path in root.rglob("*.py"):
        source = path.read_text("utf-8")
        if not re.search(r"\bre\.", source):
            continue
        tree = ast.parse(source)
        module = ".".join(("padron", *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        held = 0
        for node in tree.body:
            if isinstance(node, ast.Assign) and find_uses(node):
                (name,) = node.targets
                assert isinstance(name, ast.Name)
                assert f"{module}.{name.id}" in PATTERNS
                held += len(find_uses(node))
        assert len(find_uses(tree)) == held, f"{path} uses re outside of a name of its own"


def find_uses(tree: ast.AST) -> list[str]:
    """Give what is called of ``re``."""
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        one.attr
        for one in called
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "re"
    ]


@each_row(
    "source, method, size",  # so long that the square takes longer than the floor on a fast machine too
    [
        (r'\s*(W/)?"([!#-~]*)"\s*(?:,|$)', "findall", 512),
        (r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.', "sub", 1_024),
        (r"\s+$", "search", 512),
        (r"\s*,\s*", "split", 1_024),
        ("a*a*b", "match", 1_024),
    ],
)
def test_the_measure_itself_finds_what_takes_the_square(source: str, method: str, size: int) -> None:
    # Other work on the machine may hide from one look how the time grows.
    assert any(find_slow_text(re.compile(source), method, factor * size) is not None for factor in (1, 2, 4))
