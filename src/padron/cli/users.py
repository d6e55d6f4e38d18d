"""``padron users``: the people who sign in, and their accounts. What ends or gives access is in ``user_access.py``."""

import sys
from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter

from padron.cli.actors import give_actor
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, give_instant, print_json, print_table
from padron.domain.passkeys import Passkey
from padron.domain.people import Membership, Person, Role, User
from padron.domain.quoting import quote
from padron.service import accounts
from padron.service.passkeys.keeping import list_passkeys_of
from padron.service.people import changing_passwords, invitations, members
from padron.service.people import users as service
from padron.service.people.invitations import NewLink
from padron.service.people.password_rules import check_password
from padron.service.people.passwords import PASSWORD_LENGTH_MAX
from padron.service.runtime import Runtime

users = App(name="users", help="Add, list, change and erase the people who sign in.")
for _name, _function, _help in (
    (
        "reset",
        "make_reset_link",
        "Give a person a link to set another password. The present one, and passkeys, stay until then.",
    ),
    ("link", "make_one_time_link", "Give a person a link that signs in without a password, once, within ten minutes."),
    ("sessions", "list_sessions", "List a person's sessions, or end them."),
    ("disable", "disable_user", "Let a person sign in no more, and end all sessions at once."),
    ("enable", "enable_user", "Let a disabled person sign in again."),
    ("erase", "erase_user", "Remove a person's name, e-mail address, password, passkeys and accounts, for ever."),
):
    users.command(f"padron.cli.user_access:{_function}", name=_name, help=_help)

BaseUrl = Annotated[
    str | None,
    Parameter(help="The address under which people reach the server, such as https://padron.example. Without it, only "
              "the link's path is printed."),
]  # fmt: skip
Force = Annotated[bool, Parameter(negative="", help="Do it even to the last owner of an account.")]

_DEFAULTS = CommonOptions()
_BYTES_MAX = 8 * PASSWORD_LENGTH_MAX


@dataclass(frozen=True, kw_only=True, slots=True)
class _Added:
    """Who was added, with the link that the person needs; None for somebody who has a password."""

    person: Person
    link: NewLink | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _ShownPerson:
    """A person with the passkeys, as ``padron users show`` has both."""

    person: Person
    passkeys: list[Passkey]


@users.command(name="add")
def add_user(  # noqa: PLR0913 - the options of a command
    email: str,
    /,
    *,
    name: str | None = None,
    account: str | None = None,
    role: Role = Role.VIEWER,
    break_glass: Annotated[bool, Parameter(negative="")] = False,
    password_stdin: Annotated[bool, Parameter(negative="")] = False,
    url: BaseUrl = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Add a person, or add a known one to another account. Prints a link that works once, for three days.

    Give the link to the person, who sets a password with it. Padrón sends no mail.

    Parameters
    ----------
    email
        The person's e-mail address.

    name
        The person's name. A new person needs one.

    account
        The name of an account that the person becomes a member of.

    role
        What the person may do in the account.

    break_glass
        The person may sign in with a password even where all others use a provider.

    password_stdin
        Read the password from standard input instead, up to the first end of a line. There is no link then.
    """
    password = _read_password() if password_stdin else None

    async def work(runtime: Runtime) -> _Added:
        owner = None if account is None else await accounts.get_account(runtime, account)
        user = await service.find_user(runtime, email)
        if user is None:
            user = await _add(runtime, email, name, password, is_break_glass=break_glass)
        elif password is not None or break_glass or name is not None:
            raise UsageError(f"There is already a person {quote(email)}: only --account and --role can be used.")
        if owner is not None:
            await members.add_member(runtime, user, owner.account_id, role)
        return await _open_door(runtime, user, password)

    added = run_with_runtime(options, work)
    person = added.person
    if json:
        print_json({**show_person(person), **show_link(added.link, url)})
        return 0
    print(f"Added {person.user.email} ({person.user.user_id}): {_list_accounts(person)}.")
    if added.link is not None:
        print_link(added.link, url)
    return 0


async def _open_door(runtime: Runtime, user: User, password: str | None) -> _Added:
    """Set the password of somebody who was added, or make the link that does it."""
    link = None
    if password is not None:
        user = await changing_passwords.set_password(runtime, user, password)
    elif user.password_changed_at is None:
        link = await invitations.make_invitation(runtime, user, give_actor())
    return _Added(person=await service.get_person(runtime, user.user_id), link=link)


def _tell(person: Person, sentence: str, *, json: bool) -> int:
    if json:
        print_json(show_person(person))
    else:
        print(sentence)
    return 0


@users.command(name="list")
def list_users(*, account: str | None = None, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """List all people with their accounts and roles; with --json as {"users": [...]}.

    Parameters
    ----------
    account
        Only the members of the account with this name.
    """

    async def work(runtime: Runtime) -> list[Person]:
        if account is not None:
            await accounts.get_account(runtime, account)
        return await service.list_people(runtime)

    found = [
        person
        for person in run_with_runtime(options, work)
        if account is None or account in {one.account_name for one in person.memberships}
    ]
    if json:
        print_json({"users": [show_person(person) for person in found]})
        return 0
    rows = [
        (
            person.user.user_id,
            person.user.email or "-",
            person.user.name or "-",
            _list_accounts(person),
            name_state(person.user),
        )
        for person in found
    ]
    print_table(
        ("Id", "E-mail", "Name", "Accounts", "State"), rows, "There are no people yet. Add one: padron users add"
    )
    return 0


@users.command(name="show")
def show_user(user: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Show all about one person but the secrets.

    Parameters
    ----------
    user
        The person's e-mail address or id.
    """

    async def work(runtime: Runtime) -> _ShownPerson:
        person = await service.get_person(runtime, user)
        return _ShownPerson(person=person, passkeys=await list_passkeys_of(runtime, person.user))

    shown = run_with_runtime(options, work)
    person = shown.person
    if json:
        print_json({**show_person(person), "passkeys": [_show_passkey(one) for one in shown.passkeys]})
        return 0
    found = person.user
    rows = [
        ("Id", found.user_id),
        ("Name", found.name or "-"),
        ("Accounts", _list_accounts(person)),
        ("State", name_state(found)),
        ("Break glass", "yes" if found.is_break_glass else "no"),
        ("Language", found.language or "-"),
        ("Time zone", found.time_zone or "-"),
        ("Added", give_instant(found.created_at) or ""),
        ("Password since", give_instant(found.password_changed_at) or "-"),
        ("Passkeys", ", ".join(one.name for one in shown.passkeys) or "-"),
    ]
    print_table(("Person", found.email or "-"), rows, "")
    return 0


@users.command(name="change")
def change_user(
    user: str,
    /,
    *,
    name: str | None = None,
    email: str | None = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Give a person another name or e-mail address. The id, the password and the sessions stay.

    Parameters
    ----------
    user
        The person's e-mail address or id.

    name
        Another name.

    email
        Another e-mail address.
    """
    if name is None and email is None:
        raise UsageError("There is nothing to change: use --name or --email.")

    async def work(runtime: Runtime) -> Person:
        found = await service.get_user(runtime, user)
        if email is not None:
            await service.change_email(runtime, found, email)
        if name is not None:
            await service.rename_user(runtime, found, name)
        return await service.get_person(runtime, found.user_id)

    person = run_with_runtime(options, work)
    return _tell(person, f"{person.user.user_id} is {person.user.name} <{person.user.email}> now.", json=json)


@users.command(name="role")
def set_role(
    user: str,
    role: Role,
    /,
    *,
    account: str,
    force: Force = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Give a member of an account another role. It counts from the next request of each session.

    Parameters
    ----------
    user
        The person's e-mail address or id.

    role
        What the person may do in the account.

    account
        The account's name.
    """

    async def work(runtime: Runtime) -> Person:
        owner = await accounts.get_account(runtime, account)
        found = await service.get_user(runtime, user)
        await members.set_role(runtime, found, owner.account_id, owner.name, role, force=force)
        return await service.get_person(runtime, found.user_id)

    person = run_with_runtime(options, work)
    return _tell(person, f"{person.user.email} has the role {role} in {account}.", json=json)


@users.command(name="remove")
def remove_member(
    user: str, /, *, account: str, force: Force = False, json: Json = False, options: CommonOptions = _DEFAULTS
) -> int:
    """Remove a person from an account, with the sessions in it. The person stays in the register.

    Parameters
    ----------
    user
        The person's e-mail address or id.

    account
        The account's name.
    """

    async def work(runtime: Runtime) -> Person:
        owner = await accounts.get_account(runtime, account)
        found = await service.get_user(runtime, user)
        await members.remove_member(runtime, found, owner.account_id, owner.name, force=force)
        return await service.get_person(runtime, found.user_id)

    person = run_with_runtime(options, work)
    return _tell(person, f"Removed {person.user.email} from {account}.", json=json)


async def _add(runtime: Runtime, email: str, name: str | None, password: str | None, *, is_break_glass: bool) -> User:
    if name is None:
        raise UsageError(f"There is no person {quote(email)} yet: add one with --name.")
    if password is not None:  # before the person is there
        check_password(password, service.make_user(runtime, email=email, name=name))
    return await service.add_user(runtime, email=email, name=name, is_break_glass=is_break_glass)


def _read_password() -> str:
    raw = sys.stdin.buffer.readline(_BYTES_MAX)
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError("The password on standard input is not UTF-8.") from None


def print_link(link: NewLink, url: str | None) -> None:
    """Print a link for whoever hands it over."""
    print(f"Give the person this link. It works once, until {give_instant(link.invitation.expires_at)}:")
    print(_give_address(link, url))


def show_link(link: NewLink | None, url: str | None) -> dict[str, object]:
    """Give the members that a link adds to a JSON document."""
    if link is None:
        return {"link": None, "linkExpiresAt": None}
    return {"link": _give_address(link, url), "linkExpiresAt": give_instant(link.invitation.expires_at)}


def show_person(person: Person) -> dict[str, object]:
    """Give a person as JSON shows it."""
    user = person.user
    return {
        "id": user.user_id,
        "email": user.email,
        "name": user.name,
        "language": user.language,
        "timeZone": user.time_zone,
        "breakGlass": user.is_break_glass,
        "createdAt": give_instant(user.created_at),
        "disabledAt": give_instant(user.disabled_at),
        "erasedAt": give_instant(user.erased_at),
        "passwordChangedAt": give_instant(user.password_changed_at),
        "accounts": [
            {"account": one.account_name, "role": one.role.value, "suspendedAt": give_instant(one.suspended_at)}
            for one in person.memberships
        ],
    }


def _show_passkey(passkey: Passkey) -> dict[str, object]:
    return {
        "name": passkey.name,
        "host": passkey.host,
        "addedAt": give_instant(passkey.added_at),
        "usedAt": give_instant(passkey.used_at),
    }


def name_state(user: User) -> str:
    """Say in words whether a person may sign in."""
    if user.erased_at is not None:
        return f"erased since {give_instant(user.erased_at)}"
    if user.disabled_at is not None:
        return f"disabled since {give_instant(user.disabled_at)}"
    return "enabled" if user.password_changed_at is not None else "without a password"


def _give_address(link: NewLink, url: str | None) -> str:
    return f"{(url or '').rstrip('/')}{link.path}"


def _list_accounts(person: Person) -> str:
    return ", ".join(map(_name_membership, person.memberships)) or "no account"


def _name_membership(one: Membership) -> str:
    return f"{one.account_name} ({one.role}{', suspended' if one.suspended_at else ''})"
