"""The guides: the files of docs/. A wheel contains them, and a checkout has them beside the sources."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from padron.http.docs.markdown import RenderedGuide, render_guide
from padron.http.reach import place

_INSTALLED = Path(__file__).parent / "guides"
_CHECKOUT = Path(__file__).parents[4] / "docs"
_DECISIONS = "decisions"
_CLIENTS = "clients"
_SHOWN = {".java", ".md", ".mts", ".py", ".sh", ".sql"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Guide:
    """One page: its name under /docs, its title, and its file."""

    name: str
    title: str
    path: Path
    is_decision: bool

    @property
    def is_text(self) -> bool:
        """Say whether the guide is text. If not, it is code, which is shown unchanged."""
        return self.path.suffix == ".md"


@cache
def find_guides() -> Mapping[str, Guide]:
    """Give the guides by name, in the order of their titles. Each name is one part of a path."""
    root = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    files = [
        path
        for folder in (root, root / _DECISIONS, root / _CLIENTS)
        for path in sorted(folder.glob("*"))
        if path.suffix in _SHOWN
    ]
    guides = [
        Guide(
            name=path.stem if path.suffix == ".md" else path.name,
            title=_find_title(path),
            path=path,
            is_decision=path.parent.name == _DECISIONS,
        )
        for path in files
    ]
    return {guide.name: guide for guide in sorted(guides, key=lambda guide: guide.title.casefold())}


def list_guides() -> list[Guide]:
    """Give the guides for every reader: the texts, without the decision records."""
    return [guide for guide in find_guides().values() if guide.is_text and not guide.is_decision]


def render_text(guide: Guide) -> RenderedGuide:
    """Give a guide's HTML and its sections."""
    return render_guide(guide.path.read_text(encoding="utf-8"), _lead)


def _lead(link: str) -> str | None:
    """Give the target of a guide's link on this server, or None for a file that only a checkout has."""
    if link.startswith(("#", "https:")):
        return link
    target, _, section = link.partition("#")
    name = posixpath.basename(target).removesuffix(".md")
    if name not in find_guides():
        return None
    return place(f"/docs/{name}#{section}" if section else f"/docs/{name}")


def _find_title(path: Path) -> str:
    if path.suffix != ".md":
        return path.name
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("# ").strip()
