"""The console's cookies. Each has the prefix ``__Host-``: only this host can set it, and only over a safe connection.

Browsers take a connection to the machine itself as safe, so signing in also works on plain ``http://localhost``.
"""

from collections.abc import Mapping

SESSION = "__Host-padron"
FORM_SEED = "__Host-padron-form"  # what the tokens of forms are made from before somebody is signed in
OPENID = "__Host-padron-openid"  # the secret of a sign-in that has gone to an identity provider
LANGUAGE = "__Host-padron-language"
THEME = "__Host-padron-theme"
ZONE = "__Host-padron-zone"  # the browser's zone, which the script sets

YEAR_S = 31_536_000
_COOKIES_MAX = 50


def parse_cookies(header: str) -> Mapping[str, str]:
    """Give the cookies of a request by name. Of two with one name, the first counts.

    Only blanks and tabs are cut off. Python also takes other bytes for space, and a browser does not: another host of
    the same domain could set such a byte with a name of ours behind it, and get past the prefix.
    """
    cookies: dict[str, str] = {}
    for part in header.split(";")[:_COOKIES_MAX]:
        name, _, value = part.strip(" \t").partition("=")
        cookies.setdefault(name, value)
    return cookies


def write_cookie(name: str, value: str, *, age_s: int | None = None, strict: bool = False) -> bytes:
    """Give the header that sets a cookie. Without an age the browser keeps it until it is closed."""
    rules = ["Path=/", "Secure", "HttpOnly", f"SameSite={'Strict' if strict else 'Lax'}"]
    if age_s is not None:
        rules.append(f"Max-Age={age_s}")
    return "; ".join([f"{name}={value}", *rules]).encode("latin-1")


def drop_cookie(name: str) -> bytes:
    """Give the header that removes a cookie."""
    return write_cookie(name, "", age_s=0)
