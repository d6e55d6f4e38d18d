"""The answers of the console: pages, redirects and files, each with the headers that guard it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from padron.console.asset_files import load_assets
from padron.console.fields import Pair
from padron.console.visits import PageVisit
from padron.console.writing import PageReply
from padron.domain.idempotency import Headers
from padron.mounting import MountedReply
from padron.service.changes.stream_lines import STREAM_HEADERS

_RULES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
POLICY = "; ".join(_RULES)
CAMERA_OFF = (b"permissions-policy", b"camera=()")
CAMERA_OWN = (b"permissions-policy", b"camera=(self)")
_GUARDS: Headers = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    CAMERA_OFF,
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_PAGE: Headers = ((b"content-type", b"text/html; charset=utf-8"), *_GUARDS)
_EVENTS: Headers = (*STREAM_HEADERS, *(pair for pair in _GUARDS if pair[0] != b"cache-control"))
_KEPT_FOR_EVER = b"public, max-age=31536000, immutable"


def show(visit: PageVisit, template: str, status: int = 200, kind: str = "", **values: object) -> MountedReply:
    """Give a page that is made from a template. ``kind`` is that of a refusal, for the metrics.

    Its text is not there yet: ``writing.py`` writes it.
    """
    headers: Headers = (*_PAGE, *give_cookies(visit))
    return PageReply(status=status, headers=headers, problem=kind, visit=visit, template=template, values=values)


def allow_camera(page: MountedReply) -> MountedReply:
    """Give a page that may ask for the camera. No other one may."""
    headers = tuple(CAMERA_OWN if header == CAMERA_OFF else header for header in page.headers)
    return replace(page, headers=headers)


def send_events(visit: PageVisit, body: bytes) -> MountedReply:
    """Give server-sent events that are complete."""
    return MountedReply(status=200, headers=(*_EVENTS, *give_cookies(visit)), body=body)


def stream_events(visit: PageVisit, pieces: AsyncGenerator[bytes, None]) -> MountedReply:
    """Give server-sent events as they happen."""
    return MountedReply(status=200, headers=(*_EVENTS, *give_cookies(visit)), pieces=pieces)


def redirect(visit: PageVisit, path: str, query: Sequence[Pair] = ()) -> MountedReply:
    """Give the answer that makes a browser read another of the console's pages."""
    return redirect_to(visit, visit.link(path, query))


def redirect_to(visit: PageVisit, address: str) -> MountedReply:
    """Give the answer that makes a browser read an address of ours."""
    location = ((b"location", address.encode("latin-1")),)
    return MountedReply(status=303, headers=(*location, *_GUARDS, *give_cookies(visit)))


def give_cookies(visit: PageVisit) -> Headers:
    """Give the headers that set the visit's cookies."""
    return tuple((b"set-cookie", cookie) for cookie in visit.to_set)


def send_csv(visit: PageVisit, body: bytes, name: str) -> MountedReply:
    """Give a CSV file that the browser saves under a name, which is ours."""
    headers: Headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="%s"' % name.encode("ascii")),
        *_GUARDS,
        *give_cookies(visit),
    )
    return MountedReply(status=200, headers=headers, body=body)


def send_file(visit: PageVisit, version: str, name: str) -> MountedReply | None:
    """Give one of the style sheets and scripts, or None. Under an old version it is the present one, not to be kept."""
    assets = load_assets()
    asset = assets.files.get(name)
    if asset is None:
        return None
    is_packed = "gzip" in visit.request.headers.get("accept-encoding", "")
    headers: Headers = (
        (b"content-type", asset.media_type.encode()),
        (b"cache-control", _KEPT_FOR_EVER if version == assets.version else b"no-cache"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    if not is_packed:
        return MountedReply(status=200, headers=headers, body=asset.plain)
    packed: Headers = ((b"vary", b"accept-encoding"), (b"content-encoding", b"gzip"))
    return MountedReply(status=200, headers=(*headers, *packed), body=asset.packed)
