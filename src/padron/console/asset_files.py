"""The style sheet and the scripts. Their addresses have a hash of all of them, so browsers may keep them for ever."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "assets"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_LEVEL = 9
_VERSION_LENGTH = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One file, plain and compressed."""

    media_type: str
    plain: bytes
    packed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Assets:
    """All files by name, and the version that their addresses have."""

    files: Mapping[str, Asset]
    version: str


@cache
def load_assets() -> Assets:
    """Give all files. It reads the disk the first time."""
    files = {path.name: _load(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
    digest = hashlib.sha256(b"".join(name.encode() + asset.plain for name, asset in files.items())).hexdigest()
    return Assets(files=files, version=digest[:_VERSION_LENGTH])


def _load(path: Path) -> Asset:
    plain = path.read_bytes()
    return Asset(media_type=_TYPES[path.suffix], plain=plain, packed=gzip.compress(plain, _LEVEL, mtime=0))
