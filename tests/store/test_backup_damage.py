"""Whatever happens to the files of a continuous backup, no damaged register comes out of them."""

import asyncio
import random
import resource
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.store.sqlite.backup import writing
from padron.store.sqlite.backup.folders import ChainFolder, list_chains
from padron.store.sqlite.backup.records import FILE_HEAD_BYTES, RecordKind, read_file_head, read_records
from tests import effort
from tests.store.kept_backups import find_refusal, keep, list_vins, restore

pytestmark = pytest.mark.slow_callback  # the tests themselves restore on the event loop


@pytest.fixture(scope="module")
async def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup of several segments and two bases, beside its register. Tests take a copy."""
    root = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "SEGMENT_BYTES", 15_000)
        async with keep(root, base_bytes=100) as kept:
            async with asyncio.timeout(60):
                while len(list_chains(kept.folder)) == 0 or len(list_chains(kept.folder)[-1].list_bases()) < 2:
                    await kept.write(2)
                    await asyncio.sleep(0.01)
            for _ in range(6):
                await kept.write(5)
                await kept.wait_until_copied()
    return root


@pytest.fixture
def copied(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound / "backup", tmp_path / "backup"))


def get_chain(folder: Path) -> ChainFolder:
    (chain,) = list_chains(folder)
    return chain


def choose(numbers: list[int], count: int) -> list[int]:
    """Give so many of the numbers, in order: the first, the last, and others that differ each time."""
    if effort.IS_TORTURE:
        return numbers
    return [numbers[0], *sorted(random.sample(numbers[1:-1], min(count, len(numbers)) - 2)), numbers[-1]]


def test_the_backup_to_damage_is_sound(sound: Path, copied: Path, tmp_path: Path) -> None:
    restored = restore(copied, tmp_path / "restored.db")
    assert list_vins(tmp_path / "restored.db") == list_vins(sound / "padron.db")
    assert restored.remarks == ()
    chain = get_chain(copied)
    assert len(chain.list_segments()) > chain.list_bases()[-1].segment + 2


def test_a_missing_segment_is_noticed_whichever_it_is(copied: Path, tmp_path: Path) -> None:
    chain = get_chain(copied)
    needed = [number for number in chain.list_segments() if number >= chain.list_bases()[-1].segment]
    for number in choose(needed, 4):
        path = chain.give_segment(number)
        data = path.read_bytes()
        path.unlink()
        refusal = find_refusal(copied, tmp_path / "none.db")
        assert f"{path.name}' is damaged at byte 0: it is missing" in refusal or "incomplete" in refusal, number
        path.write_bytes(data)
    restore(copied, tmp_path / "restored.db")


def test_a_truncated_segment_is_noticed(sound: Path, copied: Path, tmp_path: Path) -> None:
    chain = get_chain(copied)
    whole = list_vins(sound / "padron.db")
    segments = [number for number in chain.list_segments() if number >= chain.list_bases()[-1].segment]
    for number in choose(segments, 3):
        path = chain.give_segment(number)
        data = path.read_bytes()
        for length in (0, 10, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:length])
            if number < segments[-1]:
                assert "is damaged" in find_refusal(copied, tmp_path / "none.db"), (number, length)
            else:
                check_prefix(copied, tmp_path, whole)
        path.write_bytes(data)


def test_no_record_can_be_missing_without_a_sign(sound: Path, copied: Path, tmp_path: Path) -> None:
    """A log that ends too early is whole to SQLite, so only the links between records tell."""
    chain = get_chain(copied)
    whole = list_vins(sound / "padron.db")
    segments = [number for number in chain.list_segments() if number >= chain.list_bases()[-1].segment]
    cut_count = 0
    for number in segments:
        path = chain.give_segment(number)
        data = path.read_bytes()
        head = read_file_head(memoryview(data), path, number, chain.chain_id)
        for found in list(read_records(memoryview(data), path, FILE_HEAD_BYTES, head)):
            path.write_bytes(data[: found.place] + data[found.end :])
            if number == segments[-1] and found.end == len(data):
                assert found.record.kind is RecordKind.ENDED
                check_prefix(copied, tmp_path, whole)
            else:
                assert "is missing" in find_refusal(copied, tmp_path / "none.db"), (number, found.place)
                cut_count += 1
        path.write_bytes(data)
    assert cut_count > 10


def check_prefix(folder: Path, tmp_path: Path, whole: list[str]) -> None:
    """Expect an earlier state of the register and a remark, or a refusal."""
    target = tmp_path / "restored.db"
    try:
        restored = restore(folder, target)
    except PadronError:
        return
    vins = list_vins(target)
    assert vins == whole[: len(vins)]
    assert restored.remarks or len(vins) == len(whole)


def test_what_is_before_the_damage_can_be_restored_by_the_instant_that_the_message_names(
    sound: Path, copied: Path, tmp_path: Path
) -> None:
    chain = get_chain(copied)
    path = chain.give_segment(chain.list_segments()[-2])
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    refusal = find_refusal(copied, tmp_path / "none.db")
    assert "can be restored: use --at with this instant" in refusal
    named = refusal.partition("Everything until ")[2].partition(" ")[0]
    restored = restore(copied, tmp_path / "restored.db", datetime.fromisoformat(named))
    assert restored.reached_at == datetime.fromisoformat(named)
    vins = list_vins(tmp_path / "restored.db")
    assert vins == list_vins(sound / "padron.db")[: len(vins)]
    assert len(vins) > 10


@pytest.mark.campaign
def test_no_flipped_bit_of_any_file_gives_a_wrong_register(sound: Path, copied: Path, tmp_path: Path) -> None:
    whole = list_vins(sound / "padron.db")
    dice = effort.roll(7)
    files = sorted(path for path in get_chain(copied).path.iterdir() if path.is_file())
    outcomes: list[str] = []
    for _ in range(effort.BACKUP_FLIPS):
        path = dice.choice(files)
        data = path.read_bytes()
        place = dice.randrange(len(data))
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :])
        try:
            restored = restore(copied, tmp_path / "restored.db")
        except PadronError:
            outcomes.append("refused")
        else:
            vins = list_vins(tmp_path / "restored.db")
            assert vins == whole[: len(vins)], (path.name, place)
            assert len(vins) == len(whole) or restored.remarks, (path.name, place)
            outcomes.append("restored")
        path.write_bytes(data)
    assert set(outcomes) == {"refused", "restored"}


def test_a_damaged_base_is_noticed_and_the_one_before_it_still_serves(
    sound: Path, copied: Path, tmp_path: Path
) -> None:
    chain = get_chain(copied)
    base = chain.list_bases()[-1]
    path = chain.give_base(base.number)
    data = path.read_bytes()
    for damaged in (data[:-1], data[:5_000] + bytes([data[5_000] ^ 1]) + data[5_001:], None):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        refusal = find_refusal(copied, tmp_path / "none.db")
        assert "The base" in refusal
        assert "Use --at " in refusal
        at = datetime.fromisoformat(refusal.partition("Use --at ")[2].partition(" ")[0])
        restored = restore(copied, tmp_path / "restored.db", at)
        assert restored.reached_at is not None
        assert restored.reached_at <= at < base.made_at
        vins = list_vins(tmp_path / "restored.db")
        assert vins == list_vins(sound / "padron.db")[: len(vins)]


def damage_a_value(path: Path) -> None:
    """Flip a bit in the name of an owner, which nobody reads when a register is opened."""
    data = bytearray(path.read_bytes())
    data[data.index(b"x" * 20) + 10] ^= 1
    path.write_bytes(data)


async def test_a_base_of_a_damaged_database_is_refused_and_the_message_leads_to_the_one_before_it(
    tmp_path: Path,
) -> None:
    async with keep(tmp_path) as kept:
        await kept.write(20)
        await kept.wait_until_copied()
    whole = list_vins(kept.path)
    damage_a_value(kept.path)
    async with keep(tmp_path) as kept:  # nobody has noticed yet
        await kept.wait_until_copied()
    refusal = find_refusal(kept.folder, tmp_path / "none.db")
    assert "The restored register is damaged" in refusal
    at = datetime.fromisoformat(refusal.partition("Use --at ")[2].partition(" ")[0])
    restore(kept.folder, tmp_path / "restored.db", at)
    assert list_vins(tmp_path / "restored.db") == whole
    shutil.rmtree(list_chains(kept.folder)[0].path)
    assert "The folder has no earlier base, so use another backup." in find_refusal(kept.folder, tmp_path / "none.db")


async def test_no_base_is_made_of_a_database_that_is_known_as_damaged(tmp_path: Path) -> None:
    async with keep(tmp_path) as kept:
        await kept.write(20)
        await kept.wait_until_copied()
    whole = list_vins(kept.path)
    damage_a_value(kept.path)
    async with keep(tmp_path) as kept:
        await asyncio.gather(kept.store.examine(), asyncio.sleep(0.3))  # ten looks whether a base is due
        assert len(list_chains(kept.folder)) == 2
    assert list_chains(kept.folder)[1].list_bases() == []
    assert list(list_chains(kept.folder)[1].path.glob("base-*")) == []
    restore(kept.folder, tmp_path / "restored.db")
    assert list_vins(tmp_path / "restored.db") == whole


async def test_a_disk_without_room_for_the_log_refuses_a_restore_with_a_sentence(tmp_path: Path) -> None:
    async with keep(tmp_path, log_pages=100_000) as kept:
        await kept.wait_until_copied()
        await kept.write(200)
        await kept.wait_until_copied()
    base = get_chain(kept.folder).list_bases()[0]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (base.size_bytes + 20_000, limits[1]))
    try:
        refusal = find_refusal(kept.folder, tmp_path / "none.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert refusal == f"The restored register '{tmp_path}/none.db' cannot be written: File too large."
    assert [path.name for path in tmp_path.glob("*none.db*")] == []
    restore(kept.folder, tmp_path / "restored.db")
