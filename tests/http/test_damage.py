"""Nothing wrong is served from a damaged SQLite file: each read is right or refused, and `/readyz` says so.

The checksums of pages show changed content at the first read. Pages at wrong places have right checksums, so the check
of the whole file must find them, which a server runs before it serves.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from padron.domain.errors import PadronError
from padron.service.register import examine_register
from padron.service.runtime import build_runtime
from padron.store import sqlite
from tests import effort
from tests.cast import Cast, make_cast, make_vin
from tests.conftest import SteppedClock
from tests.damages import OF_CONTENT, OF_PLACES, Damage, Pages, damage_file, find_pages, make_free_pages
from tests.http.api import LIST, Api
from tests.http.conftest import run_api

VEHICLES = 150
ALL = OF_CONTENT | OF_PLACES
TURNS = [0, *(pytest.param(turn, marks=pytest.mark.long) for turn in range(1, effort.DAMAGES))]
READ_COUNT = 25  # vehicles of each damaged file, besides the lists

pytestmark = pytest.mark.campaign


@pytest.fixture
def engine() -> str:
    return "sqlite"


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundFile:
    """A register before it was damaged, and its right answers."""

    path: Path
    cast: Cast
    pages: Pages
    answers: Mapping[str, bytes]


def list_targets() -> list[str]:
    vehicles = [f"{LIST}/{make_vin(number)}" for number in range(VEHICLES)]
    return [
        *vehicles,
        *(f"{vehicle}/history" for vehicle in vehicles),
        f"{LIST}?limit=100",
        f"{LIST}?limit=100&brandName=Hummer",
        f"{LIST}?operational=false",
        "/api/v2/changes?limit=100",
    ]


@asynccontextmanager
async def open_api(path: Path, cast: Cast | None = None) -> AsyncIterator[Api]:
    store = await sqlite.open_store(str(path))
    runtime = build_runtime(store, SteppedClock())
    async with run_api(runtime, cast or await make_cast(runtime)) as api:
        yield api


@pytest.fixture(scope="module")
async def sound(tmp_path_factory: pytest.TempPathFactory) -> SoundFile:
    path = tmp_path_factory.mktemp("sound") / "padron.db"
    async with open_api(path) as api:
        cast = api.cast
        for number in range(VEHICLES):
            vin = make_vin(number)
            values = f'"plate": "P{number:05d}", "brandName": "Hummer", "observations": "{"o" * (number % 8 * 20)}"'
            reply = await api.acme.send("PUT", f"{LIST}/{vin}", f"{{{values}}}")
            assert reply.status == 201, reply.body
            if number % 3:
                await api.acme.patch_status(vin, 3)
            if number % 5 == 0:
                await api.acme.send("PUT", f"{LIST}/{vin}", f'{{{values}, "ownerName": "Flota {number}"}}')
            await asyncio.sleep(0)
    make_free_pages(str(path))
    async with open_api(path, cast) as api:
        answers = {}
        for target in list_targets():
            reply = await api.acme.get(target)
            assert reply.status == 200, reply.body
            answers[target] = reply.content
    return SoundFile(path=path, cast=cast, pages=find_pages(str(path)), answers=answers)


async def read_damaged(sound: SoundFile, path: Path, seed: int, *, is_examined: bool) -> str:
    """Open a damaged file, read much of it, and say what came of it."""
    targets = list_targets()
    asked = [*effort.roll(seed).sample(targets[: 2 * VEHICLES], READ_COUNT), *targets[2 * VEHICLES :]]
    try:
        async with open_api(path, sound.cast) as api:
            if is_examined:
                await examine_register(api.runtime)
            ready = await api.nobody.get("/readyz")
            outcomes = set()
            for target in asked:
                reply = await api.acme.get(target)
                if reply.status == 503:
                    assert reply.code == (503, "StoreUnavailable")
                    outcomes.add("refused")
                else:
                    assert reply.content == sound.answers[target], (target, reply.body)
                    outcomes.add("right")
            if ready.status == 503 or "refused" in outcomes:
                after = await api.nobody.get("/readyz")
                assert after.status == 503
                assert [trouble["code"] for trouble in after.body["troubles"]] == ["damaged"]
                return "refused"
            return "right"
    except PadronError:
        return "not opened"


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", OF_CONTENT)
async def test_changed_content_is_noticed_by_its_checksum_alone(
    sound: SoundFile, tmp_path: Path, name: str, turn: int
) -> None:
    path = damage_copy(sound, tmp_path, OF_CONTENT[name], turn)
    await read_damaged(sound, path, turn, is_examined=False)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", ALL)
async def test_every_damage_is_found_by_the_check_of_the_whole_file(
    sound: SoundFile, tmp_path: Path, name: str, turn: int
) -> None:
    path = damage_copy(sound, tmp_path, ALL[name], turn)
    assert await read_damaged(sound, path, turn, is_examined=True) != "right"


async def test_a_sound_file_is_served(sound: SoundFile, tmp_path: Path) -> None:
    path = Path(shutil.copy(sound.path, tmp_path))
    assert await read_damaged(sound, path, 1, is_examined=True) == "right"


def damage_copy(sound: SoundFile, folder: Path, damage: Damage, turn: int) -> Path:
    path = Path(shutil.copy(sound.path, folder))
    damage_file(str(path), damage, sound.pages, effort.roll(turn))
    return path
