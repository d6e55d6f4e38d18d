"""The commands of ``padron users`` that give access to a person, or end it."""

import sys
from typing import Annotated

from cyclopts import Parameter

from padron.cli.actors import give_actor
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, give_instant, print_json, print_table
from padron.cli.users import BaseUrl, Force, print_link, show_link
from padron.domain.errors import Code, PadronError
from padron.domain.people import User
from padron.domain.quoting import quote
from padron.domain.sessions import KeptSession
from padron.service.people import invitations
from padron.service.people import users as service
from padron.service.people.invitations import NewLink
from padron.service.runtime import Runtime

_DEFAULTS = CommonOptions()


def make_reset_link(
    user: str, /, *, url: BaseUrl = None, json: Json = False, options: CommonOptions = _DEFAULTS
) -> int:  # fmt: skip
    """Give a person a link to set another password. It works once, for three days.

    The present password, all passkeys and all sessions stay until the person uses the link. Then they end.

    Parameters
    ----------
    user
        The person's e-mail address or id.
    """

    async def work(runtime: Runtime) -> NewLink:
        return await invitations.make_invitation(runtime, await service.get_user(runtime, user), give_actor())

    return _print(run_with_runtime(options, work), url, json=json)


def make_one_time_link(
    user: str, /, *, url: BaseUrl = None, json: Json = False, options: CommonOptions = _DEFAULTS
) -> int:  # fmt: skip
    """Give a person a link that signs in without a password. It works once, for ten minutes.

    Parameters
    ----------
    user
        The person's e-mail address or id.
    """

    async def work(runtime: Runtime) -> NewLink:
        return await invitations.make_sign_in_link(runtime, await service.get_user(runtime, user), give_actor())

    return _print(run_with_runtime(options, work), url, json=json)


def list_sessions(
    user: str,
    /,
    *,
    end: Annotated[bool, Parameter(negative="", help="End all of them at once, on every server.")] = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """List a person's sessions, or end them; with --json as {"sessions": [...]} or {"ended": NUMBER}.

    Parameters
    ----------
    user
        The person's e-mail address or id.
    """
    if end:
        return _end_sessions(user, options, json=json)

    async def work(runtime: Runtime) -> list[KeptSession]:
        return await service.list_sessions_of(runtime, await service.get_user(runtime, user))

    found = run_with_runtime(options, work)
    if json:
        print_json({"sessions": [_show_session(one) for one in found]})
        return 0
    rows = [
        (
            one.session_id,
            one.way.value,
            give_instant(one.created_at) or "",
            give_instant(one.used_at) or "",
            give_instant(one.find_end()) or "",
            one.address or "-",
            one.agent or "-",
        )
        for one in found
    ]
    print_table(("Id", "By", "Began", "Last used", "Ends", "From", "Browser"), rows, "There is no session.")
    return 0


def disable_user(user: str, /, *, force: Force = False, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Let a person sign in no more, and end all sessions at once, on every server.

    Parameters
    ----------
    user
        The person's e-mail address or id.
    """

    async def work(runtime: Runtime) -> User:
        return await service.disable_user(runtime, await service.get_user(runtime, user), force=force)

    return _print_state(run_with_runtime(options, work), "is disabled", json=json)


def enable_user(user: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Let a disabled person sign in again, with the same password and passkeys. The sessions stay ended.

    Parameters
    ----------
    user
        The person's e-mail address or id.
    """

    async def work(runtime: Runtime) -> User:
        return await service.enable_user(runtime, await service.get_user(runtime, user))

    return _print_state(run_with_runtime(options, work), "is enabled", json=json)


def erase_user(
    user: str,
    /,
    *,
    yes: str | None = None,
    force: Force = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Remove a person's name, e-mail address, password, passkeys, sessions and accounts, for ever.

    The history keeps the person's id, which then belongs to nobody. Backups keep what they have.

    Parameters
    ----------
    user
        The person's e-mail address or id.

    yes
        The same e-mail address or id again, to confirm it without a question.
    """
    if yes is None:
        _ask(user)
    elif yes != user:
        raise PadronError(Code.BAD_PARAMETERS, f"--yes is not {quote(user)}. Nothing was erased.")

    async def work(runtime: Runtime) -> User:
        return await service.erase_user(runtime, await service.get_user(runtime, user), force=force)

    return _print_state(run_with_runtime(options, work), "is erased", json=json)


def _end_sessions(user: str, options: CommonOptions, *, json: bool) -> int:
    async def work(runtime: Runtime) -> int:
        return await service.end_sessions_of(runtime, await service.get_user(runtime, user))

    count = run_with_runtime(options, work)
    if json:
        print_json({"ended": count})
    else:
        print(f"Ended {count} sessions.")
    return 0


def _ask(user: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"Erasing cannot be undone. To confirm it, add --yes {quote(user)}.")
    print(f"This erases the name, the e-mail address and all access of {user}. It cannot be undone.")
    if input("Type the same again to confirm: ") != user:
        raise PadronError(Code.BAD_PARAMETERS, "That is not the same. Nothing was erased.")


def _print(link: NewLink, url: str | None, *, json: bool) -> int:
    if json:
        print_json({"userId": link.invitation.user_id, **show_link(link, url)})
    else:
        print_link(link, url)
    return 0


def _print_state(user: User, state: str, *, json: bool) -> int:
    if json:
        print_json(
            {
                "id": user.user_id,
                "email": user.email,
                "disabledAt": give_instant(user.disabled_at),
                "erasedAt": give_instant(user.erased_at),
            }
        )
    else:
        print(f"{user.email or user.user_id} {state}.")
    return 0


def _show_session(session: KeptSession) -> dict[str, object]:
    return {
        "id": session.session_id,
        "by": session.way.value,
        "createdAt": give_instant(session.created_at),
        "usedAt": give_instant(session.used_at),
        "endsAt": give_instant(session.find_end()),
        "address": session.address,
        "agent": session.agent,
    }
