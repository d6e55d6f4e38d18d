"""Refuses requests that a page of another site sent with somebody's cookies.

A browser says by ``Sec-Fetch-Site`` which site a request comes from, and no page can change that header. Older ones
send ``Origin``. Where a browser sends neither, the form must carry a token that only our pages know.

The token is masked with new random bytes on each page. A compressed page that repeats what others wrote would
otherwise give the token away by its length.
"""

import hashlib
import hmac
import secrets

from padron.console.fields import Fields
from padron.domain.errors import Code, PadronError
from padron.mounting import MountedRequest

TOKEN_FIELD = "_csrf"  # noqa: S105 - the name of a field
ACCOUNT_FIELD = "_account"
TOKEN_HEADER = "x-csrf"  # noqa: S105 - the name of a header, for scripts

_BYTES = 32
_OWN_SITE = "same-origin"
_NO_SITE = "none"  # the person began the request, not a page
_PORTS = {"http": ":80", "https": ":443"}


def check_site(request: MountedRequest, form: Fields, seed: str) -> None:
    """Raise ``forbidden`` for a request that may come from another site's page. ``seed`` is what tokens are made of."""
    site = request.headers.get("sec-fetch-site", _NO_SITE)
    if site == _OWN_SITE:
        return
    origin = request.headers.get("origin")
    if site != _NO_SITE or (origin is not None and origin != give_origin(request)):
        raise _refuse()
    if origin is None and not is_token(form.get(TOKEN_FIELD) or request.headers.get(TOKEN_HEADER, ""), seed):
        raise _refuse()


def make_token(seed: str) -> str:
    """Give a token for a form, another one each time."""
    mask = secrets.token_bytes(_BYTES)
    return (mask + _join(_derive(seed), mask)).hex()


def is_token(text: str, seed: str) -> bool:
    """Say whether a text is a token that was made from this seed."""
    try:
        given = bytes.fromhex(text)
    except ValueError:
        return False
    mask, masked = given[:_BYTES], given[_BYTES:]
    return bool(seed) and len(given) == 2 * _BYTES and hmac.compare_digest(_join(masked, mask), _derive(seed))


def _derive(seed: str) -> bytes:
    return hashlib.sha256(f"form {seed}".encode()).digest()


def _join(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def give_origin(request: MountedRequest) -> str:
    """Give the own origin of a request, as a browser writes it: without the usual port."""
    host = request.headers["host"].lower().removesuffix(_PORTS[request.scheme])
    return f"{request.scheme}://{host}"


def _refuse() -> PadronError:
    return PadronError(Code.FORBIDDEN, "The request came from another site's page. Open the console and try again.")
