"""What somebody keeps: name, language, zone, colours, password, passkeys, sessions, and the account in use."""

from dataclasses import dataclass

from padron.console import cookies
from padron.console.declarations import Access, ConsoleRoute
from padron.console.fields import Pair
from padron.console.guarding import give_origin
from padron.console.pages.signing_in import find_wanted, keep_session
from padron.console.preferences import LANGUAGES, THEMES
from padron.console.replies import redirect, redirect_to, show
from padron.console.visits import PageVisit
from padron.console.zones import list_zones
from padron.domain.errors import Code, PadronError
from padron.domain.people import User
from padron.mounting import MountedReply
from padron.service.passkeys.keeping import list_own_passkeys
from padron.service.passkeys.parties import find_party
from padron.service.people import sessions, users
from padron.service.people.changing_passwords import change_password

PROFILE = "/console/profile"
_BAD_REQUEST = 400
_DIGITS_MAX = 18
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.SIGN_IN_REFUSED})


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyStep:
    """A passkey that is being added: its name as it was typed, and what the browser needs to make it."""

    name: str = ""
    options: str = ""


_NO_STEP = PasskeyStep()


async def show_profile(visit: PageVisit) -> MountedReply:
    """GET /console/profile."""
    return await show_own(visit)


async def save_profile(visit: PageVisit) -> MountedReply:
    """POST /console/profile: name, language and zone."""
    user = _get_user(visit)
    language, zone = visit.form.get("language") or None, visit.form.get("zone") or None
    try:
        renamed = await users.rename_user(visit.runtime, user, visit.form.get("name").strip())
        await users.change_preferences(visit.runtime, renamed, language=language, time_zone=zone)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await show_own(visit, "profile.refused", error.detail)
    return redirect(visit, PROFILE, [Pair("saved", "profile")])


async def save_password(visit: PageVisit) -> MountedReply:
    """POST /console/profile/password."""
    form = visit.form
    if form.get("password") != form.get("password_again"):
        return await show_own(visit, "password.differs")
    try:
        new = await change_password(
            visit.runtime, visit.signed_in, form.get("password_former"), form.get("password"), visit.visitor
        )
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        key = "password.wrong" if error.code is Code.SIGN_IN_REFUSED else "password.refused"
        return await show_own(visit, key, "" if error.code is Code.SIGN_IN_REFUSED else error.detail)
    await keep_session(visit, new)
    return redirect(visit, PROFILE, [Pair("saved", "password")])


async def end_sessions(visit: PageVisit) -> MountedReply:
    """POST /console/profile/sessions: end one of one's sessions, or all others."""
    session_id = visit.form.get("session")
    if session_id:
        await sessions.end_session(visit.runtime, visit.signed_in, visit.visitor, session_id)
    else:
        await sessions.end_other_sessions(visit.runtime, visit.signed_in)
    return redirect(visit, PROFILE, [Pair("saved", "sessions")])


async def choose_account(visit: PageVisit) -> MountedReply:
    """POST /console/account."""
    account = visit.form.get("account")
    if not (account.isascii() and account.isdecimal() and len(account) <= _DIGITS_MAX) or visit.token is None:
        raise PadronError(Code.BAD_PARAMETERS, "Choose one of your accounts.")
    await sessions.choose_account(visit.runtime, visit.token, int(account), visit.visitor)
    return redirect(visit, "/console")


async def save_preferences(visit: PageVisit) -> MountedReply:
    """POST /console/preferences: language and colours, from any page and before signing in."""
    language, theme = visit.form.get("language"), visit.form.get("theme")
    user = None if visit.session is None else visit.session.user
    if language in LANGUAGES:
        visit.to_set.append(cookies.write_cookie(cookies.LANGUAGE, language, age_s=cookies.YEAR_S))
        if user is not None:
            await users.change_preferences(visit.runtime, user, language=language, time_zone=user.time_zone)
    if theme in THEMES:
        visit.to_set.append(cookies.write_cookie(cookies.THEME, theme, age_s=cookies.YEAR_S))
        if user is not None:
            await users.change_theme(visit.runtime, user, theme)
    return redirect_to(visit, visit.link(find_wanted(visit, may_be_door=True)))


async def show_help(visit: PageVisit) -> MountedReply:
    """GET /console/help: the keys, for browsers without script."""
    return show(visit, "help.html")


def _get_user(visit: PageVisit) -> User:
    user = visit.signed_in.user
    if user is None:
        raise PadronError(Code.FORBIDDEN, "You are signed in with an API key, which has no profile.")
    return user


async def show_own(
    visit: PageVisit, problem: str = "", detail: str = "", step: PasskeyStep = _NO_STEP
) -> MountedReply:  # fmt: skip
    """Give the profile's page, perhaps with a problem, and with a passkey that is being made."""
    party = find_party(visit.runtime, give_origin(visit.request))
    return show(
        visit,
        "profile.html",
        status=_BAD_REQUEST if problem else 200,
        user=visit.signed_in.user,
        sessions=await sessions.list_sessions(visit.runtime, visit.signed_in),
        zones=list_zones(),
        passkeys=await list_own_passkeys(visit.runtime, visit.signed_in, party),
        has_party=party is not None,
        step=step,
        saved=visit.query.get("saved"),
        problem=problem,
        detail=detail,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=PROFILE, endpoint=show_profile),
    ConsoleRoute(method="POST", path=PROFILE, endpoint=save_profile),
    ConsoleRoute(method="POST", path=f"{PROFILE}/password", endpoint=save_password),
    ConsoleRoute(method="POST", path=f"{PROFILE}/sessions", endpoint=end_sessions),
    ConsoleRoute(method="POST", path="/console/account", endpoint=choose_account),
    ConsoleRoute(method="POST", path="/console/preferences", endpoint=save_preferences, access=Access.PUBLIC),
    ConsoleRoute(method="GET", path="/console/help", endpoint=show_help),
)
