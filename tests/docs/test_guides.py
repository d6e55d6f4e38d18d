"""The guides are where an installed server finds them."""

import subprocess
import sys
import zipfile
from pathlib import Path

from padron.http.docs.guides import find_guides, list_guides
from padron.http.docs.pages import ASSETS

ROOT = Path(__file__).parents[2]


def test_a_wheel_carries_the_guides_and_what_the_pages_are_made_of(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = {*zipfile.ZipFile(wheel).namelist()}
    for guide in find_guides().values():
        assert f"padron/http/docs/guides/{guide.path.relative_to(ROOT / 'docs')}" in names
    assert {f"padron/http/docs/assets/{name}" for name in ASSETS} <= names


def test_every_page_of_docs_is_a_guide_under_a_name_and_a_title_of_its_own() -> None:
    files = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {guide.name for guide in list_guides()} == files
    assert len({guide.title for guide in find_guides().values()}) == len(find_guides())
