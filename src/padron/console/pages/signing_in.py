"""Signing in and out. What somebody typed before their session ended waits in the page until they are back."""

import re
from collections.abc import Awaitable
from dataclasses import replace

from padron.console import cookies
from padron.console.declarations import Access, ConsoleRoute
from padron.console.fields import Pair, write_query
from padron.console.guarding import ACCOUNT_FIELD, give_origin
from padron.console.pages.errors import show_other_account
from padron.console.pending import PENDING_FIELD, Pending, decode_pending, encode_pending
from padron.console.preferences import find_preferences
from padron.console.replies import redirect, redirect_to, show
from padron.console.visits import PageVisit
from padron.domain.errors import Code, PadronError
from padron.domain.sessions import LASTS_MAX, derive_csrf_token
from padron.mounting import MountedReply
from padron.service.passkeys.parties import find_party
from padron.service.people.sessions import (
    NewSession,
    Session,
    choose_account,
    end_session,
    sign_in_with_key,
    sign_in_with_password,
)

HOME = "/console/overview"
WANTED = "next"  # the field with the address that somebody wanted before they had to sign in
UNAUTHORIZED = 401

# A browser does not know this way, so it asks nobody for a password of its own.
_CHALLENGE = (b"www-authenticate", b'Session realm="padron"')
_find_parameters = re.compile(r"\{(\w+)\}").findall
_REFUSED = frozenset({Code.UNAUTHORIZED, Code.INVALID_TOKEN, Code.SIGN_IN_REFUSED, Code.BAD_PARAMETERS})


def ask_to_sign_in(visit: PageVisit) -> MountedReply:
    """Give the way to sign in for a page that needs it. A form keeps what was typed, and is not acted on."""
    if visit.request.method == "POST":
        route = visit.request.route
        pending = Pending.build("" if route is None else route.path, visit.parameters, visit.form)
        return show_sign_in(visit, pending=pending, wanted="", is_ended=True)
    wanted = f"{visit.request.path}{write_query(visit.query)}"
    if visit.is_fragment:
        return show_sign_in(visit, wanted=wanted, is_ended=True)
    return redirect(visit, "/console/sign-in", [Pair(WANTED, wanted)] if wanted != "/console" else [])


def find_wanted(visit: PageVisit, *, may_be_door: bool = False) -> str:
    """Give the console's address that somebody wanted. What leads anywhere else becomes the first page.

    Browsers read a backslash as a slash, and two slashes as another host, so both are refused. The sign-in page itself
    is only wanted where ``may_be_door`` says so.
    """
    wanted = visit.form.get(WANTED) or visit.query.get(WANTED)
    is_ours = wanted == "/console" or wanted.startswith(("/console/", "/console?"))
    is_plain = wanted.isascii() and wanted.isprintable() and not any(mark in wanted for mark in ("\\", "//", " "))
    is_door = wanted.startswith("/console/sign-in")
    return wanted if is_ours and is_plain and (may_be_door or not is_door) else HOME


async def show_sign_in_page(visit: PageVisit) -> MountedReply:
    """GET /console/sign-in."""
    if visit.session is not None:
        return redirect_to(visit, visit.link(find_wanted(visit)))
    return show_sign_in(visit, wanted=visit.query.get(WANTED))


async def sign_in(visit: PageVisit) -> MountedReply:
    """POST /console/sign-in."""
    email = visit.form.get("email")
    return await try_to_sign_in(
        visit, sign_in_with_password(visit.runtime, email, visit.form.get("password"), visit.visitor)
    )


async def sign_in_by_key(visit: PageVisit) -> MountedReply:
    """POST /console/sign-in/key."""
    return await try_to_sign_in(visit, sign_in_with_key(visit.runtime, visit.form.get("token").strip(), visit.visitor))


async def sign_out(visit: PageVisit) -> MountedReply:
    """POST /console/sign-out."""
    await end_session(visit.runtime, visit.signed_in, visit.visitor)
    visit.to_set.append(cookies.drop_cookie(cookies.SESSION))
    return redirect(visit, "/console/sign-in", [Pair("out", "1")])


async def keep_session(visit: PageVisit, new: NewSession) -> None:
    """Let the answer give the browser a new session, and end the one that it had, whose token nobody has any more.

    The session itself may end earlier than the cookie.
    """
    if visit.session is not None and visit.session.session_id != new.session.session_id:
        await end_session(visit.runtime, visit.session, visit.visitor)
    age_s = int(LASTS_MAX.total_seconds())
    visit.to_set.append(cookies.write_cookie(cookies.SESSION, new.token, age_s=age_s))


async def welcome(visit: PageVisit, new: NewSession) -> MountedReply:
    """Give a new session's cookie, and then the page that somebody asked for, or the form as it was typed."""
    await keep_session(visit, new)
    pending = decode_pending(visit.form.get(PENDING_FIELD))
    if pending is None:
        return redirect_to(visit, visit.link(find_wanted(visit)))
    entered = replace(
        visit,
        session=await _return_to_account(visit, new, pending),
        token=new.token,
        form_seed=derive_csrf_token(new.token),
        preferences=find_preferences(visit.request, visit.cookies, new.session.user),
        form=pending.form.without(ACCOUNT_FIELD),
    )
    if entered.is_for_other_account(pending.form):
        return show_other_account(entered)
    return await _show_again(entered, pending)


async def _return_to_account(visit: PageVisit, new: NewSession, pending: Pending) -> Session:
    """Choose the account in which the form was typed, if the person is still a member of it."""
    named = pending.form.get(ACCOUNT_FIELD)
    for one in new.session.accounts:
        if named == str(one.account_id) and one.account_id != new.session.account_id:
            return await choose_account(visit.runtime, new.token, one.account_id, visit.visitor)
    return new.session


async def _show_again(visit: PageVisit, pending: Pending) -> MountedReply:
    """Give a form as it was typed. Nothing happens until it is sent again."""
    from padron.console.pages import ROUTES  # noqa: PLC0415 - the table has this page as well

    route = next((one for one in ROUTES if one.path == pending.path and one.method == "POST"), None)
    if route is None or set(pending.parameters) != set(_find_parameters(route.path)):
        return redirect(visit, HOME)
    if route.scope is not None:
        visit.principal.check_scope(route.scope)
    visit = replace(visit, request=replace(visit.request, parameters=pending.parameters))
    if route.show_again is not None:
        return await route.show_again(visit)
    path = pending.path
    for name, value in pending.parameters.items():
        path = path.replace(f"{{{name}}}", write_query([Pair("", value)]).removeprefix("?="))
    return show(visit, "typed.html", path=path, fields=list(visit.form))


async def try_to_sign_in(
    visit: PageVisit, signing_in: Awaitable[NewSession], refused: str = "sign_in.refused"
) -> MountedReply:  # fmt: skip
    """Welcome who signs in, or give the page again with the text ``refused``."""
    try:
        new = await signing_in
    except PadronError as error:
        if error.code not in _REFUSED:
            raise
        pending = decode_pending(visit.form.get(PENDING_FIELD))
        return show_sign_in(visit, pending=pending, wanted=visit.form.get(WANTED), refusal=error, refused=refused)
    return await welcome(visit, new)


def show_sign_in(
    visit: PageVisit,
    *,
    pending: Pending | None = None,
    wanted: str = "",
    is_ended: bool = False,
    refusal: PadronError | None = None,
    refused: str = "",
    options: str = "",
) -> MountedReply:
    """Give the sign-in page. With ``options`` the browser is asked for a passkey."""
    reply = show(
        visit,
        "sign-in.html",
        status=UNAUTHORIZED if is_ended or refusal is not None else 200,
        kind="session-ended" if is_ended else "" if refusal is None else refusal.code.value,
        pending=encode_pending(pending),
        wanted=wanted,
        is_ended=is_ended,
        is_out="out" in visit.query,
        refused=refused,
        options=options,
        has_party=find_party(visit.runtime, give_origin(visit.request)) is not None,
        email=visit.form.get("email"),
    )
    return replace(reply, headers=(*reply.headers, _CHALLENGE)) if reply.status == UNAUTHORIZED else reply


ROUTES = (
    ConsoleRoute(method="GET", path="/console/sign-in", endpoint=show_sign_in_page, access=Access.PUBLIC),
    ConsoleRoute(method="POST", path="/console/sign-in", endpoint=sign_in, access=Access.PUBLIC),
    ConsoleRoute(method="POST", path="/console/sign-in/key", endpoint=sign_in_by_key, access=Access.PUBLIC),
    ConsoleRoute(method="POST", path="/console/sign-out", endpoint=sign_out),
)
