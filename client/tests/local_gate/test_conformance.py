"""The local gate passes every trial of the conformance script, and each planted fault fails the trial of its rule."""

import subprocess
import sys
from pathlib import Path

import pytest

from padron_client.conformance.__main__ import OURS, TRIALS, try_all

from .faulty_driver import FAULTS

SOURCES = Path(__file__).resolve().parents[2] / "src"
FAULTY = Path(__file__).with_name("faulty_driver.py")
AT_ONCE = 8


@pytest.fixture(autouse=True)
def sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCES))


@pytest.mark.timeout(240)
async def test_ours_passes_every_trial() -> None:
    assert await try_all(list(TRIALS), OURS, AT_ONCE) == {}


@pytest.mark.timeout(240)
async def test_each_planted_fault_is_caught() -> None:
    missed = [
        f"{fault}: {name}"
        for fault, names in FAULTS.items()
        for name in names
        if name not in await try_all([name], [sys.executable, str(FAULTY), fault], 1)
    ]
    assert missed == []


def test_every_trial_has_its_rule_as_first_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "padron_client.conformance", "--list"], capture_output=True, check=True, text=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(TRIALS)
    assert all(line.endswith((".", ":")) or ". " in line for line in lines)
