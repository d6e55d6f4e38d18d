"""Imports of uploaded files: which one is next, who may work on it, and how it ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.file_import import (
    LEASE,
    TRIES_MAX,
    FileImport,
    ImportCounts,
    ImportState,
    cancel,
    check_file_name,
    check_held,
    check_room,
    choose_next,
    claim,
    end,
    release,
)
from tests.cast import NOON, after


def make_import(import_id: int = 1, state: ImportState = ImportState.QUEUED) -> FileImport:
    return FileImport(
        import_id=import_id,
        state=state,
        file_name=None,
        keep_duplicates=False,
        dry_run=False,
        created_by="Acme",
        request_id="r",
        created_at=NOON,
        moved_at=NOON,
    )


def test_the_oldest_that_is_queued_is_next_and_uploads_are_not() -> None:
    waiting = [make_import(3), make_import(2), make_import(1, ImportState.UPLOADING)]
    chosen = choose_next(waiting, "me", NOON)
    assert chosen is not None
    assert chosen.import_id == 2
    assert choose_next([make_import(1, ImportState.UPLOADING)], "me", NOON) is None
    assert choose_next([], "me", NOON) is None


def test_while_one_runs_nothing_else_is_next_and_it_is_once_its_lease_is_over() -> None:
    running = claim(make_import(), "other", NOON)
    waiting = [running, make_import(2)]
    assert choose_next(waiting, "me", NOON) is None
    assert choose_next(waiting, "me", NOON + LEASE - timedelta(seconds=1)) is None
    assert choose_next(waiting, "me", NOON + LEASE) is running
    assert choose_next(waiting, "other", NOON) is running  # what a dead worker of the same name held
    given_back = release(running)
    assert choose_next([given_back, make_import(2)], "me", NOON) is given_back


def test_an_attempt_that_is_no_longer_the_last_may_write_nothing() -> None:
    first = claim(make_import(), "me", NOON)
    second = claim(first, "other", after(60))
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.started_at == NOON
    assert check_held(second, 2) is second
    for held, attempt in ((second, 1), (None, 1), (end(second, ImportState.CANCELLED, NOON), 2)):
        with pytest.raises(PadronError) as refusal:
            check_held(held, attempt)
        assert refusal.value.code is Code.IMPORT_ENDED


def test_what_comes_no_further_fails_in_the_end() -> None:
    taken = make_import()
    for _ in range(TRIES_MAX):
        taken = claim(taken, "me", NOON)
        assert taken.state is ImportState.RUNNING
    taken = claim(taken, "me", NOON)
    assert taken.state is ImportState.FAILED
    assert "no progress in 5 attempts" in (taken.detail or "")
    assert taken.lease_holder is None


def test_a_server_that_ends_costs_no_try() -> None:
    taken = make_import()
    for _ in range(TRIES_MAX * 2):
        taken = release(claim(taken, "me", NOON))
    assert claim(taken, "me", NOON).state is ImportState.RUNNING


@pytest.mark.parametrize("state", [ImportState.QUEUED, ImportState.RUNNING])
def test_what_has_not_ended_can_be_cancelled_once_and_again(state: ImportState) -> None:
    cancelled = cancel(make_import(1, state), after(5))
    assert (cancelled.state, cancelled.ended_at) == (ImportState.CANCELLED, after(5))
    assert cancel(cancelled, after(9)) is cancelled


@pytest.mark.parametrize("state", [ImportState.DONE, ImportState.FAILED])
def test_what_ended_cannot_be_cancelled(state: ImportState) -> None:
    with pytest.raises(PadronError) as refusal:
        cancel(make_import(1, state), NOON)
    assert refusal.value.code is Code.IMPORT_ENDED
    assert state.value in refusal.value.detail


def test_an_account_has_only_so_many_open() -> None:
    check_room([make_import(number) for number in range(4)], 5)
    with pytest.raises(PadronError) as refusal:
        check_room([make_import(number) for number in range(5)], 5)
    assert refusal.value.code is Code.IMPORT_LIMIT_REACHED


def test_progress_is_the_share_of_the_file_and_the_rate_that_of_the_rows() -> None:
    assert make_import().progress == 0
    assert make_import().rows_per_second == 0
    running = replace(
        make_import(), bytes_read=30, bytes_total=120, started_at=NOON, moved_at=after(4), counts=ImportCounts(read=50)
    )
    assert running.progress == 0.25
    assert running.rows_per_second == 12.5
    assert replace(running, bytes_read=500).progress == 1
    assert end(running, ImportState.DONE, after(4)).progress == 1


@pytest.mark.parametrize("name", ["x" * 256, "a\nb"])
def test_a_files_name_is_short_and_printable(name: str) -> None:
    assert check_file_name("flota ñ.csv") == "flota ñ.csv"
    with pytest.raises(PadronError):
        check_file_name(name)
