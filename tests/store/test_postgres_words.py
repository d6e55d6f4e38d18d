"""Troubles of PostgreSQL in words: for callers without a place, for an operator with server, database and cause."""

from pathlib import Path

import asyncpg
import pytest

from padron.domain.errors import Code, PadronError
from padron.store.postgres.connection import translate_errors
from padron.store.postgres.explaining import explain
from tests.tables import each_row

URL = "postgresql://ana:s3cret@db.example:5433/flota"
STATES = {
    "25006": "read", "28000": "let", "3D000": "exist", "42501": "allow", "53100": "disk", "53200": "memory",
    "53300": "connection", "55P03": "holds", "57014": "too long", "57P01": "stopped", "57P02": "crashed",
    "57P03": "starting", "58030": "files", "08006": "connection", "XX001": "damaged data", "XX002": "damaged index",
}  # fmt: skip
EXPLAINED = [*STATES, "40P01", "42P01", "42703", "3F000", "28P01", "55000"]


def make_error(state: str) -> asyncpg.PostgresError:
    error = asyncpg.PostgresError.new({"C": state, "M": "palabras del servidor"})
    assert isinstance(error, asyncpg.PostgresError)
    assert error.sqlstate == state
    return error


@each_row("state", STATES)
def test_a_caller_hears_the_cause_in_words_and_no_place(state: str) -> None:
    with pytest.raises(PadronError) as raised, translate_errors():
        raise make_error(state)
    assert raised.value.code is Code.STORE_UNAVAILABLE
    assert STATES[state] in raised.value.detail
    for secret in ("SQLSTATE", state, "palabras", "flota", "db.example"):
        assert secret not in raised.value.detail


@pytest.mark.parametrize(
    "said, heard",
    [
        ("loaded Citus library version differs from installed extension version", "being upgraded"),
        ("failure on connection marked as essential: node-3:5432", "lost the connection to one of its nodes"),
    ],
)
def test_a_caller_hears_what_a_cluster_says_without_a_state_of_its_own(said: str, heard: str) -> None:
    with pytest.raises(PadronError, match=heard) as raised, translate_errors():
        raise asyncpg.PostgresError.new({"C": "XX000", "M": said})
    assert raised.value.code is Code.STORE_UNAVAILABLE
    assert "node-3" not in raised.value.detail
    with pytest.raises(asyncpg.PostgresError), translate_errors():
        raise make_error("XX000")


def test_a_socket_that_came_back_meanwhile_is_not_taken_for_a_file_of_tls(tmp_path: Path) -> None:
    (tmp_path / ".s.PGSQL.5432").touch()
    for url, said in (
        (f"postgresql://ana@/flota?host={tmp_path}", "has no socket in this folder"),
        (f"postgresql://ana@/flota?host={tmp_path}&sslrootcert=/none.pem", "Check sslrootcert"),
    ):
        explained = explain(url, FileNotFoundError(2, "No such file or directory"))
        assert explained is not None
        assert said in explained.detail


@each_row("state", EXPLAINED)
def test_an_operator_hears_server_port_database_and_what_to_do(state: str) -> None:
    explained = explain(URL, make_error(state))
    assert explained is not None
    detail = explained.detail
    assert "db.example port 5433" in detail
    assert "'flota'" in detail or "flota" in detail
    assert "s3cret" not in detail
    assert state not in detail
    assert len(detail.split(". ")) >= 2, "It says what to do."


def test_a_state_that_nobody_has_words_for_is_named() -> None:
    with pytest.raises(PadronError, match="SQLSTATE 57999"), translate_errors():
        raise make_error("57999")
