"""The members of an account: who is in, what they may do, and the links with which they come in.

Padrón sends no mail: whoever makes a link copies it and hands it over.
"""

from collections.abc import Awaitable, Callable

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.guarding import give_origin
from padron.console.naming import name_actors
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.people import ROLE_SCOPES, USER_NAME_LENGTH_MAX, AccountMember, Role, User, parse_role
from padron.mounting import MountedReply
from padron.service.people import members
from padron.service.people.invitations import NewLink
from padron.service.people.sign_ins import LAST, PAGE, list_account_sign_ins
from padron.service.runtime import Runtime

_LIST = "/console/people"
_ONE = "/console/people/{user}"
_SIGN_INS = "/console/sign-ins"
_BAD_REQUEST = 400
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.FORBIDDEN, Code.USER_EXISTS, Code.LAST_OWNER})
_SAVED = ("role", "removed", "suspended", "resumed")

ChangeMember = Callable[[Runtime, Principal, str, str], Awaitable[AccountMember]]


async def show_people(visit: PageVisit) -> MountedReply:
    """GET /console/people."""
    return await _show_people(visit)


async def show_people_again(visit: PageVisit) -> MountedReply:
    """Give the invitation as it was typed before the session ended."""
    return await _show_people(visit, note="sign_in.typed_again")


async def invite(visit: PageVisit) -> MountedReply:
    """POST /console/people: a new member, with the link that lets the person in."""
    form = visit.form
    try:
        new = await members.invite_member(
            visit.runtime, visit.principal, visit.request_id, email=form.get("email"), name=form.get("name").strip(),
            role=parse_role(form.get("role")),
        )  # fmt: skip
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_people(visit, problem=error)
    return _show_link(visit, new.user, new.link)


async def show_person(visit: PageVisit) -> MountedReply:
    """GET /console/people/{user}."""
    return await _show_person(visit)


async def change_role(visit: PageVisit) -> MountedReply:
    """POST /console/people/{user}: another role."""
    member = await _get_member(visit)
    try:
        role = parse_role(visit.form.get("role"))
        await members.change_own_member(visit.runtime, visit.principal, visit.request_id, member.user.user_id, role)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_person(visit, error)
    return redirect(visit, f"{_LIST}/{member.user.user_id}", [Pair("saved", "role")])


async def make_link(visit: PageVisit) -> MountedReply:
    """POST /console/people/{user}/link: a new link to set a password."""
    member = await _get_member(visit)
    try:
        link = await members.make_member_link(
            visit.runtime, visit.principal, visit.request_id, member.user.user_id
        )  # fmt: skip
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_person(visit, error)
    return _show_link(visit, member.user, link)


async def remove(visit: PageVisit) -> MountedReply:
    """POST /console/people/{user}/remove: end the membership, and the person's sessions in this account."""
    member = await _get_member(visit)
    try:
        await members.remove_own_member(visit.runtime, visit.principal, visit.request_id, member.user.user_id)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_person(visit, error)
    return redirect(visit, _LIST, [Pair("saved", "removed")])


async def suspend(visit: PageVisit) -> MountedReply:
    """POST /console/people/{user}/suspend: keep the person out of this account for a time."""
    return await _change_entry(visit, members.suspend_own_member, "suspended")


async def resume(visit: PageVisit) -> MountedReply:
    """POST /console/people/{user}/resume: let the person in again."""
    return await _change_entry(visit, members.resume_own_member, "resumed")


async def _change_entry(visit: PageVisit, change: ChangeMember, saved: str) -> MountedReply:
    member = await _get_member(visit)
    try:
        await change(visit.runtime, visit.principal, visit.request_id, member.user.user_id)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_person(visit, error)
    return redirect(visit, f"{_LIST}/{member.user.user_id}", [Pair("saved", saved)])


async def show_sign_ins(visit: PageVisit) -> MountedReply:
    """GET /console/sign-ins: who came in, and who was refused."""
    asked = visit.query.get("before")
    before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < len(str(LAST)) else LAST
    found = await list_account_sign_ins(visit.runtime, visit.principal, before=before, limit=PAGE)
    actors = {one.event.actor for one in found if one.event.actor is not None}
    return show(
        visit,
        "sign-ins.html",
        rows=found,
        names=await name_actors(visit, actors),
        older=found[-1].number if len(found) == PAGE else None,
        is_first=before == LAST,
    )


async def _get_member(visit: PageVisit) -> AccountMember:
    return await members.get_member(visit.runtime, visit.principal, visit.parameters["user"])


def _list_roles(visit: PageVisit) -> list[Role]:
    """Give the roles that the visitor can give: those that may no more than they."""
    return [role for role in Role if visit.may(*ROLE_SCOPES[role])]


async def _show_people(visit: PageVisit, *, problem: PadronError | None = None, note: str = "") -> MountedReply:
    return show(
        visit,
        "people.html",
        status=_BAD_REQUEST if problem else 200,
        rows=await members.list_members(visit.runtime, visit.principal),
        roles=_list_roles(visit),
        typed=visit.form,
        name_max=USER_NAME_LENGTH_MAX,
        saved=visit.query.get("saved") if visit.query.get("saved") in _SAVED else "",
        problem=problem,
        note=note,
    )


async def _show_person(visit: PageVisit, problem: PadronError | None = None) -> MountedReply:
    member = await _get_member(visit)
    return show(
        visit,
        "person.html",
        status=_BAD_REQUEST if problem else 200,
        member=member,
        roles=_list_roles(visit),
        chosen=visit.form.get("role") or member.role.value,
        is_own=member.user.user_id == visit.principal.actor,
        may_resume=visit.may(*ROLE_SCOPES[member.role]),
        may_link=not member.is_shared and visit.may(*ROLE_SCOPES[member.role]),
        saved=visit.query.get("saved") if visit.query.get("saved") in _SAVED else "",
        problem=problem,
    )


def _show_link(visit: PageVisit, user: User, link: NewLink) -> MountedReply:
    return show(
        visit,
        "person-link.html",
        user=user,
        invitation=link.invitation,
        address=give_origin(visit.request) + visit.link(link.path),
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_LIST, endpoint=show_people, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=_LIST, endpoint=invite, scope=Scope.ACCOUNT_MANAGE, show_again=show_people_again),
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_person, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=_ONE, endpoint=change_role, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=f"{_ONE}/link", endpoint=make_link, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=f"{_ONE}/remove", endpoint=remove, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=f"{_ONE}/suspend", endpoint=suspend, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=f"{_ONE}/resume", endpoint=resume, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="GET", path=_SIGN_INS, endpoint=show_sign_ins, scope=Scope.ACCOUNT_MANAGE),
)
