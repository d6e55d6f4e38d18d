"""The examples of the client in the README run as they are, but for the address and the key."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.examples import ROOT, list_blocks
from tests.e2e.program import make_fleets, run_server
from tests.starting import give_environment

README, GUIDE = ROOT / "README.md", ROOT / "client" / "README.md"
VIN = "3LNHL2GC1BR262548"
# It runs until it is ended. client/tests/test_worker.py runs such a process.
WORKER = "run_worker("


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A server with the vehicle of the examples."""

    url: str
    key: str
    vins: tuple[str, ...]  # one for each example


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("register")
    url = f"sqlite:///{folder / 'padron.db'}"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=10)
    async with run_server(url, folder) as server:
        yield Place(url=f"http://127.0.0.1:{server.port}", key=fleet.token, vins=fleet.vins)


def list_examples(path: Path) -> list[str]:
    return [block.text for block in list_blocks(path) if block.language == "python"]


def run(place: Place, code: str, number: int) -> str:
    code = code.replace("http://127.0.0.1:8080", place.url).replace("padron_1k…", place.key)
    code = code.replace(VIN, place.vins[number])
    environment = {**give_environment(), "PYTHONPATH": str(ROOT / "client" / "src")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment, cwd=os.sep, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_second_example_of_the_readme_runs(place: Place) -> None:
    (example,) = list_examples(README)
    assert run(place, example, 0) == "False\n"
    assert re.search(r"print\(.*\)  # False", example)


@pytest.mark.parametrize("number", range(len(list_examples(GUIDE))))
def test_each_example_of_the_clients_readme_runs(number: int, place: Place) -> None:
    example = list_examples(GUIDE)[number]
    if WORKER in example:
        example = example.replace('if __name__ == "__main__":', "if False:")
    run(place, example, number + 1)
