"""What every command has in common: help, wrong usage, the environment, exit statuses."""

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from padron import __version__
from padron.cli import app
from padron.cli.accounts import accounts, keys
from padron.cli.duplicates import duplicates
from padron.cli.options import ServerOptions
from padron.cli.planned import planned
from padron.cli.register import register
from padron.cli.report import report
from padron.cli.vehicles import vehicles
from padron.cli.vins import vins
from padron.config import VARIABLES
from tests.cli.conftest import Cli, check_sentence


def test_version_is_the_programs(cli: Cli) -> None:
    assert cli("--version").out.strip() == __version__


@pytest.mark.parametrize(
    "words",
    [
        [], ["serve"], ["migrate"], ["accounts"], ["accounts", "add"], ["accounts", "list"], ["keys"], ["keys", "add"],
        ["keys", "list"], ["keys", "revoke"], ["vehicles"], ["vehicles", "import"], ["openapi"],
        ["duplicates"], ["duplicates", "list"], ["duplicates", "resolve"], ["duplicates", "merge"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_has_help(cli: Cli, words: list[str]) -> None:
    answer = cli(*words, "--help")
    assert answer.status == 0
    assert answer.out.startswith(f"Usage: {' '.join(['padron', *words])}")


@pytest.mark.parametrize(
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
        (["serve", "--webhook-allow", "10.1.0.0/8"], "--webhook-allow holds '10.1.0.0/8'"),
        (["serve", "--webhook-allow", "true"], "--webhook-allow holds 'true'"),
        (["migrate", "--webhook-allow", "10.0.0.0/8"], "--webhook-allow"),
        (["accounts", "list", "--log", "xml"], "--log is 'xml'"),
        (["accounts", "list", "--database-url", "mysql://x"], "mysql"),
        (["accounts", "list", "--database-url", "padron.db"], "--database-url is not a database URL"),
        (["accounts", "list", "--database-url", "sqlite:///"], "names no file"),
        (["accounts", "list", "--database-url", "sqlite:///:memory:"], "in memory"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(cli: Cli, words: list[str], said: str) -> None:
    check_sentence(cli(*words), 2, said)
    assert not Path("padron.db").exists()


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("PADRON_DATABSE_URL", "sqlite:///x.db", "PADRON_DATABSE_URL is not known: did you mean PADRON_DATABASE_URL?"),
        ("PADRON_ZZZ", "1", "PADRON_ZZZ is not known: there are PADRON_DATABASE_URL"),
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
    def fail(_: str) -> bytes:
        raise RuntimeError("one\ntwo postgresql://me:hush@h/x")

    monkeypatch.setattr(app, "give_api_document", fail)
    check_sentence(cli("openapi"), 1, "RuntimeError: one two postgresql://me:***@h/x")


def test_ctrl_c_ends_with_130_and_says_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: str) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "give_api_document", interrupt)
    answer = cli("openapi")
    assert (answer.status, answer.out, answer.err) == (130, "", "")


def test_a_reader_that_goes_away_is_no_failure_to_tell(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "padron", "openapi"], stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_openapi_prints_one_document(cli: Cli) -> None:
    for words in (["openapi"], ["openapi", "--json"]):
        answer = cli(*words)
        assert (answer.status, answer.err) == (0, "")
        assert "/api/v2/vehicles/{vin}/status" in answer.document["paths"]


def test_openapi_leaves_the_events_out_or_puts_them_under_an_extension(cli: Cli) -> None:
    places = {"inline": "webhooks", "extension": "x-webhooks", "none": None}
    for word, member in places.items():
        document = cli("openapi", "--webhooks", word).document
        assert {*document} & {"webhooks", "x-webhooks"} == ({member} if member else set())
    assert cli("openapi", "--webhooks", "elsewhere").status == 2


def test_migrate_says_what_it_would_do_does_it_and_then_has_nothing_to_do(cli: Cli) -> None:
    pending = cli("migrate", "--dry-run", "--json").document
    assert pending["dryRun"]
    assert pending["migrations"][0] == {"number": 1, "name": "initial"}
    assert not Path("padron.db").exists()
    assert "Applied 0001 initial." in cli("migrate").out
    assert cli("migrate", "--json").document == {"dryRun": False, "migrations": []}
    assert cli("migrate").out == "The database's schema is up to date.\n"


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
