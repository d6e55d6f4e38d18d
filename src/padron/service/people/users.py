"""People, as operators manage them. What an account's owner may do to its members is in ``members.py``."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from padron.domain.account import USER_ID_RANDOM_LENGTH, check_name, encode_base62, format_user_id, is_user_id
from padron.domain.errors import Code, PadronError
from padron.domain.language import Language
from padron.domain.people import USER_NAME_LENGTH_MAX, Person, Role, User, parse_email
from padron.domain.quoting import quote
from padron.domain.sessions import IDLE_MAX, KeptSession
from padron.service.runtime import Runtime
from padron.store.people.transaction import PeopleTransaction

PAGE = 500
THEMES = ("auto", "light", "dark")

_match_time_zone = re.compile("[A-Za-z0-9_+/-]{1,64}").fullmatch


async def add_user(runtime: Runtime, *, email: str, name: str, is_break_glass: bool = False) -> User:
    """Add a person, who has no password and no account yet. Raises ``bad_parameters`` and ``user_exists``."""
    user = make_user(runtime, email=email, name=name, is_break_glass=is_break_glass)

    async def work(transaction: PeopleTransaction) -> None:
        await transaction.add_user(user)

    await runtime.store.people.write(work)
    return user


def make_user(runtime: Runtime, *, email: str, name: str, is_break_glass: bool = False) -> User:
    """Give a new person, who is not stored yet. Raises ``bad_parameters``."""
    check_name("The person's name", name, USER_NAME_LENGTH_MAX)
    return User(
        user_id=format_user_id(encode_base62(secrets.randbits(128), USER_ID_RANDOM_LENGTH)),
        email=parse_email(email),
        name=name,
        language=None,
        time_zone=None,
        theme=None,
        is_break_glass=is_break_glass,
        created_at=runtime.clock(),
        disabled_at=None,
        erased_at=None,
        password_changed_at=None,
    )


async def find_user(runtime: Runtime, email: str) -> User | None:
    """Give the person with an e-mail address, if there is one. Raises ``bad_parameters``."""
    found = await runtime.store.people.find_credentials(parse_email(email))
    return None if found is None else found.user


async def get_user(runtime: Runtime, name: str) -> User:
    """Give a person by e-mail address or id. Raises ``bad_parameters`` and ``user_not_found``."""
    user = await runtime.store.people.find_user(name) if is_user_id(name) else await find_user(runtime, name)
    if user is None:
        raise refuse_user(name)
    return user


async def get_person(runtime: Runtime, name: str) -> Person:
    """Give a person with the accounts, by e-mail address or id. Raises ``bad_parameters`` and ``user_not_found``."""
    return await _add_memberships(runtime, await get_user(runtime, name))


async def list_people(runtime: Runtime) -> list[Person]:
    """Give all people with their accounts, by e-mail address; erased ones come last."""
    people: list[Person] = []
    after = ""
    while users := await runtime.store.people.list_users(after, PAGE):
        people.extend([await _add_memberships(runtime, user) for user in users])
        after = users[-1].user_id
    return sorted(people, key=lambda person: (person.user.email is None, person.user.email or person.user.user_id))


async def disable_user(runtime: Runtime, user: User, *, force: bool = False) -> User:
    """Disable a person and end all their sessions. Raises ``last_owner`` unless forced."""
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> User:
        now = await lock_user(transaction, user)
        if not force:
            await _check_owners(transaction, now)
        disabled = replace(now, disabled_at=now.disabled_at or at)
        await transaction.save_user(disabled)
        await transaction.end_other_sessions(user.user_id)
        return disabled

    return await runtime.store.people.write(work)


async def enable_user(runtime: Runtime, user: User) -> User:
    """Let a disabled person sign in again. The ended sessions stay ended. Raises ``user_not_found`` for nobody."""
    return await _change(runtime, user, lambda now: replace(now, disabled_at=None))


async def erase_user(runtime: Runtime, user: User, *, force: bool = False) -> User:
    """Remove a person's name, e-mail address, password, passkeys, links, sessions, accounts, and addresses of sign-ins.

    The id stays, because the history names it. Raises ``last_owner`` unless forced.
    """
    at = runtime.clock()

    async def work(transaction: PeopleTransaction) -> User:
        now = await lock_user(transaction, user)
        if not force:
            await _check_owners(transaction, now)
        erased = replace(
            now, email=None, name=None, language=None, time_zone=None, theme=None, is_break_glass=False, erased_at=at,
            disabled_at=now.disabled_at or at, password_changed_at=None,
        )  # fmt: skip
        await transaction.save_user(erased)
        await transaction.set_password(user.user_id, None, at)
        await transaction.end_other_sessions(user.user_id)
        await transaction.remove_invitations(user.user_id)
        await transaction.openid.remove_identities(user.user_id)
        await transaction.passkeys.remove_all(user.user_id)
        await transaction.remove_memberships(user.user_id)
        await transaction.forget_sign_ins(user.user_id)
        return erased

    return await runtime.store.people.write(work)


async def rename_user(runtime: Runtime, user: User, name: str) -> User:
    """Give a person another name. Raises ``bad_parameters`` and ``user_not_found``."""
    check_name("The person's name", name, USER_NAME_LENGTH_MAX)
    return await _change(runtime, user, lambda now: replace(now, name=name))


async def change_email(runtime: Runtime, user: User, email: str) -> User:
    """Give a person another e-mail address. Raises ``bad_parameters``, ``user_exists`` and ``user_not_found``."""
    parsed = parse_email(email)
    return await _change(runtime, user, lambda now: replace(now, email=parsed))


async def change_theme(runtime: Runtime, user: User, theme: str) -> User:
    """Keep in which colours a person reads. Raises ``bad_parameters``."""
    if theme not in THEMES:
        raise PadronError(Code.BAD_PARAMETERS, f"There are no colours {quote(theme)}: choose from {', '.join(THEMES)}.")
    return await _change(runtime, user, lambda now: replace(now, theme=theme))


async def change_preferences(runtime: Runtime, user: User, *, language: str | None, time_zone: str | None) -> User:
    """Keep in which language and time zone a person reads; None means the browser's. Raises ``bad_parameters``."""
    if language is not None and language not in list(Language):
        raise PadronError(
            Code.BAD_PARAMETERS, f"There is no language {quote(language)}: choose from {', '.join(Language)}."
        )
    if time_zone is not None:
        check_time_zone(time_zone)
    return await _change(runtime, user, lambda now: replace(now, language=language, time_zone=time_zone))


def check_time_zone(name: str) -> None:
    """Raise ``bad_parameters`` unless this machine knows the time zone."""
    refusal = PadronError(
        Code.BAD_PARAMETERS, f"There is no time zone {quote(name)}. Use a name such as America/Mexico_City."
    )
    if not _match_time_zone(name):
        raise refusal
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise refusal from None


async def list_sessions_of(runtime: Runtime, user: User) -> list[KeptSession]:
    """Give a person's live sessions, for an operator."""
    now = runtime.clock()
    return await runtime.store.people.list_sessions(user.user_id, now, now - IDLE_MAX)


async def end_sessions_of(runtime: Runtime, user: User) -> int:
    """End all sessions of a person, and give their number."""

    async def work(transaction: PeopleTransaction) -> int:
        return await transaction.end_other_sessions(user.user_id)

    return await runtime.store.people.write(work)


async def lock_user(transaction: PeopleTransaction, user: User) -> User:
    """Lock a person and give what is true now. Raises ``user_not_found`` for one who was erased."""
    found = await transaction.lock_user(user.user_id)
    if found is None or found.user.erased_at is not None:
        raise refuse_user(user.email or user.user_id)
    return found.user


def refuse_user(name: str) -> PadronError:
    """Give the refusal for a person whom the register does not know."""
    return PadronError(Code.USER_NOT_FOUND, f"There is no person {quote(name)}.")


def refuse_last_owner(account_name: str) -> PadronError:
    """Give the refusal for what would leave an account without an owner."""
    return PadronError(
        Code.LAST_OWNER,
        f"This person is the last owner of the account {quote(account_name)} who may sign in. Add another owner first.",
    )


async def _check_owners(transaction: PeopleTransaction, user: User) -> None:
    if not user.is_active:
        return
    memberships = await transaction.list_memberships(user.user_id)
    owned = [one for one in memberships if one.role is Role.OWNER and one.suspended_at is None]
    for membership in sorted(owned, key=lambda one: one.account_id):
        await transaction.lock_members(membership.account_id)
        if not await transaction.has_other_owner(membership.account_id, user.user_id):
            raise refuse_last_owner(membership.account_name)


async def _change(runtime: Runtime, user: User, change: Callable[[User], User]) -> User:
    async def work(transaction: PeopleTransaction) -> User:
        changed = change(await lock_user(transaction, user))
        await transaction.save_user(changed)
        return changed

    return await runtime.store.people.write(work)


async def _add_memberships(runtime: Runtime, user: User) -> Person:
    return Person(user=user, memberships=tuple(await runtime.store.people.list_memberships(user.user_id)))
