"""What every command has in common: help, wrong usage, the environment, exit statuses."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
from cyclopts import App

from padron import __version__
from padron.cli import app
from padron.cli.accounts import accounts
from padron.cli.duplicates import duplicates
from padron.cli.examples import EXAMPLES
from padron.cli.keys import keys
from padron.cli.options import ServerOptions
from padron.cli.planned import planned
from padron.cli.register import register
from padron.cli.report import report
from padron.cli.serve import serve
from padron.cli.vehicles import vehicles
from padron.cli.vins import vins
from padron.config import VARIABLES
from padron.domain.account import Scope
from tests.cli.conftest import Cli, check_sentence
from tests.starting import start_program
from tests.tables import each_row

_END_S_MAX = 60


def test_version_is_the_programs(cli: Cli) -> None:
    assert cli("--version").out.strip() == __version__


def list_commands(command: App, chain: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Walk all commands of the program, whatever they are."""
    yield chain
    for name in command:
        if not name.startswith("-"):
            yield from list_commands(command[name], (*chain, name))


COMMANDS = list(list_commands(app.app))
FIRST_OF_GROUP = {words[:1]: words for words in reversed(COMMANDS) if len(words) != 1}.values()


def test_the_walk_finds_the_commands() -> None:
    assert {(), ("undo",), ("vehicles", "show"), ("report", "time-in-status"), ("keys", "add")} < set(COMMANDS)
    assert {" ".join(chain) for chain in COMMANDS} == set(EXAMPLES)


def name_command(words: tuple[str, ...]) -> str:
    return " ".join(words)


@pytest.mark.parametrize(
    "words",
    [words if words in FIRST_OF_GROUP else pytest.param(words, marks=pytest.mark.long) for words in COMMANDS],
    ids=name_command,
)
def test_every_command_has_help_with_examples(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli(*words, "--help")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: {' '.join(['padron', *words])}")
    assert "Exit status: 0 done" in answer.out
    for example in EXAMPLES[" ".join(words)]:
        assert f"$ {example}".split() == " ".join(answer.out.split()).partition(f"$ {example}")[1].split()


def test_every_command_has_both_flags_for_its_help() -> None:
    found = [reduce(getitem, words, app.app) for words in COMMANDS]
    assert {tuple(command.help_flags) for command in found} == {("--help", "-h")}


@pytest.mark.parametrize("words", [(), ("vehicles",), ("vehicles", "show")], ids=" ".join)
def test_the_short_flag_gives_the_same_help(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli(*words, "-h") == cli(*words, "--help")


@each_row("group", sorted({name.partition(" ")[0] for name in EXAMPLES}))
def test_every_example_is_of_its_command_and_can_be_parsed(group: str) -> None:
    for name in (name for name in EXAMPLES if name.partition(" ")[0] == group):
        for example in EXAMPLES[name]:
            words = shlex.split(example.partition(" > ")[0])
            assert words[: 1 + len(name.split())] == ["padron", *name.split()], example
            command, _, _ = app.app.parse_args(words[1:], exit_on_error=False, print_error=False)
            assert command.__module__.startswith("padron.cli."), example


def test_the_help_of_a_key_names_every_scope(cli: Cli) -> None:
    said = " ".join(cli("keys", "add", "--help").out.replace("│", " ").split())
    for scope in Scope:
        assert scope.value in said


@each_row(
    "words, said",
    [
        (["kyes", "add"], 'Unknown command "kyes". Did you mean "keys"? See padron --help.'),
        (["keys", "ad"], 'Unknown command "ad". Did you mean "add"? See padron keys --help.'),
        (["vehicles", "lst", "--account", "Acme"], 'Did you mean "list"? See padron vehicles --help.'),
        (["keys", "add", "--acount", "Acme"], "--account instead of --acount? See padron keys add --help."),
        (["vehicles", "list", "--account", "Acme", "--limt", "3"], "--limit? See padron vehicles list --help."),
        (["vehicles", "list", "--account", "Acme", "--limit", "x"], "See padron vehicles list --help."),
        (["vehicles", "list", "--account", "Acme", "--limit", "0"], "at least 1. See padron vehicles list --help."),
        (["undo"], "See padron undo --help."),
        (["serve", "--worker", "2"], "Did you mean --workers? See padron serve --help."),
        (["report", "time-in-status", "--account", "A", "--from", "monday", "--to", "today"],
         "See padron report time-in-status --help."),
        (["migrate", "--dry"], "See padron migrate --help."),
    ],
)  # fmt: skip
def test_wrong_usage_suggests_what_was_meant_and_points_to_the_commands_own_help(
    cli: Cli, words: list[str], said: str
) -> None:
    check_sentence(cli(*words), 2, said)


PATHS: list[tuple[list[str], int]] = [
    (["vehicles", "import", "PATH", "--account", "Acme"], 1),
    (["vehicles", "import", "-", "--account", "Acme", "--mapping", "PATH"], 2),
    (["vehicles", "status", "4", "--account", "Acme", "--file", "PATH"], 2),
]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("words, status", PATHS, ids=["import", "mapping", "list"])
def test_a_file_that_cannot_be_read_is_a_sentence(cli: Cli, words: list[str], status: int) -> None:
    Path("sub").mkdir()
    Path("file").touch()
    for path, said in {
        ".": "'.' cannot be read: it is a folder",
        "..": "'..' cannot be read: it is a folder",
        "/": "'/' cannot be read: it is a folder",
        "sub": "'sub' cannot be read: it is a folder",
        "none.csv": "'none.csv' cannot be read: there is no such file",
        "sin/año.csv": "'sin/año.csv' cannot be read: there is no folder 'sin'",
        "file/x.csv": "'file/x.csv' cannot be read: 'file' is not a folder",
        "x" * 300: "cannot be read: File name too long",
    }.items():
        check_sentence(cli(*(path if word == "PATH" else word for word in words)), status, said)
        assert sorted(one.name for one in Path().iterdir()) == ["file", "padron.db", "sub"]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "words, status",
    [
        (["vehicles", "import", "fleet.csv", "--account", "Acme", "--report", "PATH"], 2),
        (["vehicles", "export", "PATH", "--form", "csv", "--account", "Acme"], 1),
    ],
    ids=["report", "export"],
)
def test_a_file_that_cannot_be_written_is_a_sentence(cli: Cli, words: list[str], status: int) -> None:
    Path("sub").mkdir()
    Path("file").touch()
    Path("fleet.csv").write_text("vin\n3LNHL2GC1BR262548\n")
    for path, said in {
        ".": "'.'",
        "/": "'/'",
        "sub": "'sub'",
        "sin/año.csv": "'sin/año.csv' cannot be written: there is no folder 'sin'",
        "file/x.csv": "'file/x.csv' cannot be written: 'file' is not a folder",
    }.items():
        check_sentence(cli(*(path if word == "PATH" else word for word in words)), status, said)


@each_row(
    "words, said",
    [
        (["acounts", "list"], "acounts"),
        (["accounts", "lst"], 'Did you mean "list"?'),
        (["accounts", "list", "--jsn"], "--jsn"),
        (["accounts", "list", "extra"], "extra"),
        (["accounts", "add"], "NAME"),
        (["keys", "list"], "--account"),
        (["serve", "--workers", "many"], "many"),
        (["serve", "--workers", "0"], "--workers is 0"),
        (["serve", "--workers", "2"], "needs PostgreSQL"),
        (["serve", "--port", "65536"], "--port is '65536'"),
        (["serve", "--port", "http"], "--port is 'http'"),
        (["serve", "--host", "a b"], "--host is 'a b'"),
        (["serve", "--webhook-allow", "10.1.0.0/8"], "--webhook-allow has '10.1.0.0/8'"),
        (["serve", "--webhook-allow", "true"], "--webhook-allow has 'true'"),
        (["migrate", "--webhook-allow", "10.0.0.0/8"], "--webhook-allow"),
        (["accounts", "list", "--log", "xml"], "--log is 'xml'"),
        (["accounts", "list", "--database-url", "mysql://x"], "mysql"),
        (["accounts", "list", "--database-url", "padron.db"], "--database-url is not a database URL"),
        (["accounts", "list", "--database-url", "sqlite:///"], "does not name a file. Use sqlite:///padron.db"),
        (["accounts", "list", "--database-url", "sqlite:///:memory:"], "in memory"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(cli: Cli, words: list[str], said: str) -> None:
    check_sentence(cli(*words), 2, said)
    assert not Path("padron.db").exists()


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("PADRON_DATABSE_URL", "sqlite:///x.db", "PADRON_DATABSE_URL is unknown. Did you mean PADRON_DATABASE_URL?"),
        ("PADRON_ZZZ", "1", "PADRON_ZZZ is unknown. The variables are PADRON_DATABASE_URL"),
        ("PADRON_PORT", "eighty", "PADRON_PORT is 'eighty'"),
        ("PADRON_LOG", "yaml", "PADRON_LOG is 'yaml': use json or text."),
        ("PADRON_HOST", "a/b", "PADRON_HOST is 'a/b'"),
        ("PADRON_DATABASE_URL", "oracle://x", "PADRON_DATABASE_URL has the scheme oracle"),
    ],
)
@pytest.mark.parametrize("words", [["accounts", "list", "--json"], ["migrate"], ["openapi"]], ids=" ".join)
def test_a_bad_environment_is_refused_by_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str], name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    check_sentence(cli(*words), 2, said)


def test_an_option_counts_before_its_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PADRON_DATABASE_URL", f"sqlite:///{tmp_path}/of-the-environment.db")
    assert cli("migrate").status == 0
    assert Path("of-the-environment.db").exists()
    assert cli("migrate", "--database-url", "sqlite:///of-the-option.db").status == 0
    assert Path("of-the-option.db").exists()
    assert not Path("padron.db").exists()


def test_each_variable_is_an_option_of_the_server_too(cli: Cli) -> None:
    assert {field.name for field in fields(ServerOptions)} == {*VARIABLES.values()}
    said = cli("serve", "--help").out
    for variable, name in VARIABLES.items():
        assert f"--{name.replace('_', '-')}" in said
        assert variable in said


@pytest.mark.parametrize(
    "url", ["postgresql://me:hush-hush@/x:y", "postgresql://me:hush-hush@127.0.0.1:1/x", "mysql://me:hush-hush@h/x",
            "postgresql://me:hush-hush@h:port/x", "hush-hush@h"],
)  # fmt: skip
def test_no_error_repeats_the_password_of_the_url(cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "1")
    for words in (["accounts", "list"], ["accounts", "list", f"--databse-url={url}"]):
        answer = cli(*words, "--database-url", url)
        assert answer.status in (1, 2)
        assert answer.err.count("\n") == 1
        assert "hush" not in answer.err


def test_an_unexpected_failure_is_a_sentence_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str) -> bytes:
        raise RuntimeError("one\ntwo postgresql://me:hush@h/x")

    monkeypatch.setattr(app, "give_api_document", fail)
    check_sentence(cli("openapi"), 1, "RuntimeError: one two postgresql://me:***@h/x")


def test_ctrl_c_ends_with_130_and_says_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: str) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "give_api_document", interrupt)
    answer = cli("openapi")
    assert (answer.status, answer.out, answer.err) == (130, "", "")


def test_a_reader_that_goes_away_is_no_failure_to_tell(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout, (tmp_path / "stderr").open("wb") as stderr:
        program = start_program("vehicles", "sample", stdout=stdout, stderr=stderr, folder=tmp_path)
        status = program.wait(_END_S_MAX)
    assert (status, (tmp_path / "stderr").read_bytes()) == (141, b"")


def test_openapi_prints_one_document_with_the_events_where_they_are_asked_for(cli: Cli) -> None:
    places = {
        (): "webhooks",
        ("--json", "--webhooks", "extension"): "x-webhooks",
        ("--webhooks", "none"): None,
    }
    for words, member in places.items():
        answer = cli("openapi", *words)
        assert (answer.status, answer.err) == (0, "")
        assert "/api/v2/vehicles/{vin}/status" in answer.document["paths"]
        assert {*answer.document} & {"webhooks", "x-webhooks"} == ({member} if member else set())
    assert cli("openapi", "--webhooks", "elsewhere").status == 2


def test_migrate_says_what_it_would_do_does_it_and_then_has_nothing_to_do(cli: Cli) -> None:
    pending = cli("migrate", "--dry-run", "--json").document
    assert pending["dryRun"]
    assert pending["migrations"][0] == {"number": 1, "name": "initial"}
    assert not Path("padron.db").exists()
    assert "Applied 0001 initial." in cli("migrate").out
    assert cli("migrate", "--json").document == {"dryRun": False, "migrations": [], "placed": []}
    assert cli("migrate").out == "The database's schema is up to date.\n"


@pytest.mark.long  # test_starting.py starts it, too
def test_the_module_is_the_command(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "padron", "accounts", "add", "Acme", "--json"],
        capture_output=True, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert json.loads(ended.stdout)["name"] == "Acme"


def test_a_command_that_is_named_says_of_itself_what_the_list_of_commands_says(cli: Cli) -> None:
    listed = " ".join(cli("--help").out.replace("│", " ").split())
    named = [accounts, keys, vehicles, report, duplicates, planned, register, vins]
    for command in named:
        assert f"{command.name[0]} {command.help}" in listed
    assert f"serve {(serve.__doc__ or '').splitlines()[0]}" in listed
