"""Write what is generated of the client: its records and methods, and the form without ``async``.

The API's document is the source of the first, and ``_async`` that of the second. ``--check`` writes nothing, and says
which files are not what their source gives.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from padron.wiring import give_api_document
from tools.client_methods import write_methods, write_problems, write_table
from tools.client_models import ModelWriter
from tools.client_sync import SHARED_BY_HAND, drop_async

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "client" / "src" / "padron_client"


def format_source(name: str, source: str) -> str:
    """Give a source as ``make format`` would leave it."""
    path = PACKAGE / name
    ruff = [sys.executable, "-m", "ruff"]
    for words in (["check", "--select", "I,RUF022,F401", "--fix", "--exit-zero", "--quiet"], ["format"]):
        command = [*ruff, *words, "--stdin-filename", str(path), "-"]
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - the command is ours
        source = done.stdout
    return source


def list_generated(package: Path = PACKAGE) -> Iterator[tuple[Path, str]]:
    """Give each generated file with its contents."""
    document = json.loads(give_api_document())
    for name, source in (
        ("models.py", ModelWriter(document).write()),
        ("problems.py", write_problems(document)),
        ("_table.py", write_table(document)),
        ("_async/operations.py", write_methods(document)),
    ):
        path = package / name
        yield path, format_source(name, source)
    sources = {path.name: path.read_text("utf-8") for path in (package / "_async").glob("*.py")}
    sources["operations.py"] = format_source("_async/operations.py", write_methods(document))
    for name, source in sorted(sources.items()):
        if name not in SHARED_BY_HAND:
            path = package / "_sync" / name
            yield path, format_source(f"_sync/{name}", drop_async(source))


def list_outdated(package: Path = PACKAGE) -> list[str]:
    """Give a sentence for each file that is not what its source gives."""
    return [
        f"{path.relative_to(package.parents[2])} is outdated. Run: make client"
        for path, source in list_generated(package)
        if not path.exists() or path.read_text("utf-8") != source
    ]


def main() -> int:
    """Write the files, or check them. Give the exit status."""
    parser = argparse.ArgumentParser(description="Write what is generated of the client.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is outdated")
    if parser.parse_args().check:
        outdated = list_outdated()
        print("\n".join(outdated) or "The client is what the document and _async give.")
        return 1 if outdated else 0
    for path, source in list_generated():
        path.write_text(source, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
