"""Finds the application that answers an address, from the path as the client sent it.

The router splits the path before it decodes it. So ``%2F`` is a part of its segment (RFC 3986, 2.2): a VIN with a
slash is a bad VIN and not another address.
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send


class _Node:
    """The possible next segments after one segment: fixed names, and at most one parameter."""

    __slots__ = ("app", "children", "name", "parameter")

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.children: dict[bytes, _Node] = {}
        self.name = ""
        self.parameter: _Node | None = None


class Paths:
    """All addresses, as one ASGI application. ``default`` answers unknown addresses.

    ``strip`` removes what a proxy puts before each of the server's paths. ``fallbacks`` answer unknown addresses that
    begin with their segment.
    """

    def __init__(
        self,
        apps: Mapping[str, ASGIApp],
        default: ASGIApp,
        strip: Callable[[bytes], bytes] | None = None,
        fallbacks: Mapping[str, ASGIApp] | None = None,
    ) -> None:
        self._root = _Node()
        self._default = default
        self._strip = strip
        self._fallbacks = {segment.encode(): app for segment, app in (fallbacks or {}).items()}
        for path, app in apps.items():
            self._add(path, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request by the application of its path. The scope has the path's parameters."""
        if self._strip is not None:
            scope["raw_path"] = self._strip(
                give_raw_path(scope)
            )  # a request is the same with and without the root path
        parameters: dict[str, str] = {}
        segments = _split(give_raw_path(scope))
        first = segments[0] if segments else b""
        app = _find(self._root, segments, 0, parameters) or self._fallbacks.get(first, self._default)
        scope["path_params"] = parameters
        await app(scope, receive, send)

    def _add(self, path: str, app: ASGIApp) -> None:
        node = self._root
        for segment in path.split("/")[1:]:
            if not segment.startswith("{"):
                node = node.children.setdefault(segment.encode(), _Node())
                continue
            name = segment[1:-1]
            if node.parameter is None:
                node.name, node.parameter = name, _Node()
            if node.name != name:
                raise ValueError(f"{path} gives the parameter {node.name} a second name, {name}.")
            node = node.parameter
        node.app = app


def give_raw_path(scope: Scope) -> bytes:
    """Give the path as the client sent it."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw


def _split(raw: bytes) -> list[bytes]:
    first, *segments = raw.split(b"/")
    if first:
        return [raw]  # not a path, such as * in OPTIONS *
    if b"%" in raw:
        return [unquote_to_bytes(segment) for segment in segments]
    return segments


def _find(node: _Node, segments: list[bytes], place: int, parameters: dict[str, str]) -> ASGIApp | None:
    """Give the application for the segments from ``place`` on. A fixed name has priority over a parameter."""
    if place == len(segments):
        return node.app
    segment = segments[place]
    child = node.children.get(segment)
    if child is not None:
        app = _find(child, segments, place + 1, parameters)
        if app is not None:
            return app
    if node.parameter is None or not segment:
        return None
    app = _find(node.parameter, segments, place + 1, parameters)
    if app is not None:
        # Bytes that are not UTF-8 become U+FFFD, which no VIN, id or name may have.
        parameters[node.name] = segment.decode("utf-8", "replace")
    return app
