"""The snapshot: never fresher than it says, and ignored with a reason when it is damaged or of somebody else."""

import os
from dataclasses import replace
from math import inf
from pathlib import Path

import msgspec
import pytest

from padron_client.conformance.trial import REFUSED, A, B, C
from padron_client.local_gate import Reason
from padron_client.local_gate.answers import Copy
from padron_client.local_gate.clocks import Clocks
from padron_client.local_gate.errors import SnapshotUnusableError
from padron_client.local_gate.keeping import NOTHING
from padron_client.local_gate.snapshots import mark_source, read_snapshot, write_snapshot
from padron_client.local_gate.vin_set import VinSet

from .conftest import Stage
from .test_checking import wait_until

THEN = Clocks(steady=lambda: 1_000.0, wall=lambda: 50_000.0, boot="one")
SOURCE = mark_source("http://there", "padron_abc_secret")


def make_copy(proven_at: float = 990.0) -> Copy:
    vins = VinSet()
    vins.load([A, B])
    vins.finish_loading()
    return msgspec.structs.replace(
        NOTHING, buckets=vins.buckets, number=7, cursor="c7", proven_at=proven_at, source="server"
    )


def write(path: Path, copy: Copy | None = None) -> None:
    made = copy or make_copy()
    write_snapshot(path, made, made.buckets, SOURCE, THEN)


def read_age(path: Path, now: Clocks) -> float:
    return now.steady() - read_snapshot(path, SOURCE, "operable", now)[1]


def at(*, steady: float, wall: float, boot: str = "one") -> Clocks:
    return Clocks(steady=lambda: steady, wall=lambda: wall, boot=boot)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    write(tmp_path / "file")
    loaded, proven_at = read_snapshot(tmp_path / "file", SOURCE, "operable", THEN)
    assert (A in loaded.vins, B in loaded.vins, C in loaded.vins) == (True, True, False)
    assert (loaded.number, loaded.cursor, len(loaded.vins), proven_at) == (7, "c7", 2, 990.0)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "now, age",
    [
        (at(steady=1_005, wall=50_005), 15),
        (at(steady=1_005, wall=50_900), 910),  # the wall clock was set forward: the more counts
        (at(steady=1_900, wall=50_005), 910),  # it was set back, but not before the file: the steady clock knows
        (at(steady=1_005, wall=49_000), inf),  # it was set back before the file, so nothing is known
        (at(steady=5, wall=50_005, boot="two"), 15),  # another start of the machine
        (at(steady=300, wall=50_005, boot="two"), 300),  # which was longer ago than the wall clock says
        (at(steady=5, wall=49_000, boot="two"), inf),
        (at(steady=900, wall=50_005), inf),  # a steady clock that went back is none
        (at(steady=5, wall=50_005, boot=""), 15),
    ],
)
def test_its_age_is_never_less_than_the_truth(tmp_path: Path, now: Clocks, age: float) -> None:
    write(tmp_path / "file")
    assert read_age(tmp_path / "file", now) == age


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SnapshotUnusableError):
            read_snapshot(path, SOURCE, "operable", THEN)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(SnapshotUnusableError):
            read_snapshot(path, SOURCE, "operable", THEN)


def test_a_file_of_another_account_server_or_kind_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path)
    for source, of in (
        (mark_source("http://elsewhere", "padron_abc_secret"), "operable"),
        (mark_source("http://there", "padron_xyz_secret"), "operable"),
        (SOURCE, "refused"),
    ):
        with pytest.raises(SnapshotUnusableError, match="another"):
            read_snapshot(path, source, of, THEN)
    assert mark_source("http://there/", "padron_abc_other") == SOURCE
    assert b"secret" not in path.read_bytes()


def test_a_write_that_fails_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write(path)
    before = path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write(path, make_copy(999.0))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_gate_begins_with_its_snapshot_and_continues_from_there(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "file"
    stage.open_ready(snapshot=path).close()
    stage.set_operable(A, operable=False)
    stage.register.faults.hang = {"set"}  # so it can only continue
    gate = stage.open_ready(snapshot=path)
    wait_until(lambda: not gate.check(A))
    assert gate.check(B)
    assert gate.check(B).source == "server"


def test_a_strict_gate_answers_nothing_from_a_snapshot(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "file"
    stage.open_ready(snapshot=path).close()
    stage.do(stage.register.stop)
    gate = stage.open_gate(snapshot=path, strict=True)
    wait_until(lambda: gate.state().source == "snapshot")
    assert gate.check(A).reason is Reason.NO_LEASE
    assert gate.check(A, when_stale="allow")
    assert not gate.check(REFUSED, when_stale="allow")


def test_a_damaged_snapshot_is_told_and_replaced(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"{}")
    gate = stage.open_gate(snapshot=path, snapshot_every=0.05)
    wait_until(lambda: gate.check(A).allowed)
    wait_until(lambda: path.read_bytes() != b"{}")
    loaded, _ = read_snapshot(path, mark_source(stage.register.url, "padron_conformance_x"), "operable", THEN_NOW)
    assert A in loaded.vins


THEN_NOW = replace(THEN, wall=lambda: 1e12, steady=lambda: 1e12)
