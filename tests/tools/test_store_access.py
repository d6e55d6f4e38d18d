"""Only the service and the wiring reach the store: the check sees what import rules cannot."""

import ast

import pytest

from tests.tables import each_row
from tools import check_store_access
from tools.check_store_access import check_module, list_offered, read_program

ATTRIBUTE = "reached by an attribute"
OFFERED = "only the store offers"
PLANTED = {
    "the attribute": ("await call.runtime.store.check()", ATTRIBUTE),
    "the attribute kept under another name": ("store = runtime.store", ATTRIBUTE),
    "the attribute as text": ('getattr(runtime, "store")', ATTRIBUTE),
    "the attribute in a getter": ('operator.attrgetter("runtime.store.epoch")(call)', ATTRIBUTE),
    "the attribute in a pattern": ("match runtime:\n    case Runtime(store=found): pass", ATTRIBUTE),
    "another store put in its place": ("replace(runtime, store=other)", ATTRIBUTE),
    "a reader that was handed over": ("await reader.list_by_vin(vin)", OFFERED),
    "a transaction that was handed over": ("await one.transaction.lock_endpoint(endpoint_id)", OFFERED),
    "a method that is passed on": ("run(directory.find_account)", OFFERED),
    "a method as text": ('methodcaller("write_together", 1)', OFFERED),
}


@pytest.fixture(scope="module")
def program() -> dict[str, ast.Module]:
    """The store, and the rooms whose names a test says: to read all would take most of the time."""
    return read_program("domain", "files", "service", "store")


@pytest.fixture(scope="module")
def offered(program: dict[str, ast.Module]) -> frozenset[str]:
    return list_offered(program)


@each_row("name", ["http/routes/planted.py", "cli/planted.py", "workers/planted.py", "planted.py"])
@each_row("case", PLANTED)
def test_whoever_reaches_it_from_elsewhere_is_named(name: str, case: str, offered: frozenset[str]) -> None:
    code, why = PLANTED[case]
    offences = [*check_module(name, ast.parse(f"import operator\n\n{code}\n"), offered)]
    assert offences
    assert all(one.startswith(f"{name}:") for one in offences)
    assert why in " ".join(offences)


@pytest.mark.parametrize("name", ["service/planted.py", "service/vehicles/planted.py", "store/planted.py", "wiring.py"])
def test_the_service_the_store_and_the_wiring_may(name: str, offered: frozenset[str]) -> None:
    code = "\n".join(code for code, _ in PLANTED.values())
    assert [*check_module(name, ast.parse(code), offered)] == []


def test_functions_of_the_service_and_files_have_names_of_their_own(offered: frozenset[str]) -> None:
    code = """
from padron.service.changes import feed
from padron.service.accounts import list_accounts

feed.list_changes(call.runtime)
list_accounts(call.runtime)
file.read()
writer.write(b"")
page.plans
"""
    assert [*check_module("http/planted.py", ast.parse(code), offered)] == []


def test_the_check_fails_and_prints_the_line(
    program: dict[str, ast.Module], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = {name: tree for name, tree in program.items() if name.startswith("store/")}
    planted = {**store, "cli/demo.py": ast.parse("\n\nruntime.store")}
    monkeypatch.setattr(check_store_access, "read_program", lambda: planted)
    assert check_store_access.main() == 1
    assert "cli/demo.py:3: the store is reached by an attribute" in capsys.readouterr().out


@pytest.mark.long
def test_nobody_but_the_service_and_the_wiring_reaches_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_store_access.main() == 0
    assert "0 places reach the store" in capsys.readouterr().out
