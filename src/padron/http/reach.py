"""How clients reach this server: below which path, through which proxies, and from which pages.

A proxy may show the server below a path, such as ``/padron``. The server then takes addresses with and without this
root path, because many proxies remove it. Every address that the server gives out has it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from padron.domain.addresses import Networks


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How clients reach this server. By default directly, and not from web pages of other sites."""

    root_path: str = ""
    proxies: Networks = ()
    origins: frozenset[str] = frozenset()


DIRECT = Reach()

_root_path = ""  # of this process; build_app sets it before the first request


def set_root_path(root_path: str) -> None:
    """Set the path that begins every address given out from now on. It is empty, or a path without a slash at the end.

    One process serves one root path. It is not a parameter, because errors name their pages in every part of ``http``.
    """
    global _root_path  # noqa: PLW0603 - set once, when the process starts
    _root_path = root_path


def place(path: str) -> str:
    """Give one of the server's own paths as clients reach it."""
    return _root_path + path


def make_stripper(root_path: str) -> Callable[[bytes], bytes]:
    """Give a function that removes the root path from the raw path of a request, if the path begins with it."""
    root = root_path.encode()
    prefix = root + b"/"

    def strip(raw: bytes) -> bytes:
        if raw.startswith(prefix):
            return raw[len(root) :]
        return b"/" if raw == root else raw

    return strip
