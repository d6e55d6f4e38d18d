"""The people of an account: list, invite, change the role, and remove."""

from padron.domain.account import Scope
from padron.domain.people import EMAIL_LENGTH_MAX, parse_role
from padron.http.answers import problems
from padron.http.answers.people_problems import LAST_OWNER, USER_EXISTS, USER_NOT_FOUND
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.reach import place
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.shapes.members import (
    InvitationBody,
    InvitationShape,
    LinkShape,
    MemberBody,
    MemberList,
    MemberShape,
    shape_invitation,
    shape_link,
    shape_member,
)
from padron.service.people import members


async def list_members(call: Call) -> Reply:
    """GET /api/v2/members."""
    queries.read_query(call, frozenset())
    found = await members.list_members(call.runtime, call.principal)
    return build_json_reply(200, MemberList(members=[shape_member(one) for one in found]))


async def get_member(call: Call) -> Reply:
    """GET /api/v2/members/{userId}."""
    return build_json_reply(200, shape_member(await members.get_member(call.runtime, call.principal, _give_id(call))))


async def put_member(call: Call) -> Reply:
    """PUT /api/v2/members/{userId}."""
    body = await read_json(call, MemberBody)
    member = await members.change_own_member(
        call.runtime, call.principal, call.request_id, _give_id(call), parse_role(body.role)
    )
    return build_json_reply(200, shape_member(member))


async def remove_member(call: Call) -> Reply:
    """DELETE /api/v2/members/{userId}."""
    await members.remove_own_member(call.runtime, call.principal, call.request_id, _give_id(call))
    return Reply(204)


async def suspend_member(call: Call) -> Reply:
    """POST /api/v2/members/{userId}/suspend."""
    member = await members.suspend_own_member(call.runtime, call.principal, call.request_id, _give_id(call))
    return build_json_reply(200, shape_member(member))


async def resume_member(call: Call) -> Reply:
    """POST /api/v2/members/{userId}/resume."""
    member = await members.resume_own_member(call.runtime, call.principal, call.request_id, _give_id(call))
    return build_json_reply(200, shape_member(member))


async def invite_member(call: Call) -> Reply:
    """POST /api/v2/invitations."""
    body = await read_json(call, InvitationBody)
    invited = await members.invite_member(
        call.runtime,
        call.principal,
        call.request_id,
        email=body.email,
        name=body.name,
        role=parse_role(body.role),
    )
    location = place(f"{_MEMBERS}/{invited.user.user_id}").encode()
    return build_json_reply(201, shape_invitation(invited), ((b"location", location),))


async def make_link(call: Call) -> Reply:
    """POST /api/v2/members/{userId}/link."""
    link = await members.make_member_link(call.runtime, call.principal, call.request_id, _give_id(call))
    return build_json_reply(201, shape_link(link))


def _give_id(call: Call) -> str:
    return call.path_parameters["userId"]


_MEMBERS = "/api/v2/members"
_MEMBER = f"{_MEMBERS}/{{userId}}"
_SCOPE = Scope.ACCOUNT_MANAGE
_TAG = "Administration"
_BODY_PROBLEMS = (problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE)
_ID = Parameter(
    name="userId", place="path", required=True, description="The person's id.",
    schema={"type": "string", "pattern": "^u[0-9A-Za-z]{12}$"},
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    Route(
        name="listMembers", method="GET", path=_MEMBERS, tag=_TAG, summary="List the members",
        description="All people of the account with their roles, by e-mail address.",
        endpoint=list_members, scope=_SCOPE,
        answers={200: Success(description="The members.", body=MemberList)}, problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="getMember", method="GET", path=_MEMBER, tag=_TAG, summary="Read a member",
        description="The person with the role in this account.",
        endpoint=get_member, scope=_SCOPE, parameters=(_ID,),
        answers={200: Success(description="The member.", body=MemberShape)}, problems=(USER_NOT_FOUND,),
    ),
    Route(
        name="putMember", method="PUT", path=_MEMBER, tag=_TAG, summary="Set a member's role",
        description="Takes effect at once, also in open sessions. The same role again changes nothing. A role with a "
        "scope that the caller lacks is 403. The account's last owner keeps the role: 409. To add somebody, use POST "
        "/api/v2/invitations.",
        endpoint=put_member, scope=_SCOPE, parameters=(_ID,), body=MemberBody, body_example={"role": "editor"},
        answers={200: Success(description="The member as it is now.", body=MemberShape)},
        problems=(*_BODY_PROBLEMS, USER_NOT_FOUND, LAST_OWNER),
    ),
    Route(
        name="removeMember", method="DELETE", path=_MEMBER, tag=_TAG, summary="Remove a member",
        description="Ends the membership, and the person's sessions in the account. The person and the history stay.",
        endpoint=remove_member, scope=_SCOPE, parameters=(_ID,),
        answers={204: Success(description="The person is no member.")}, problems=(USER_NOT_FOUND, LAST_OWNER),
    ),
    Route(
        name="suspendMember", method="POST", path=f"{_MEMBER}/suspend", tag=_TAG, summary="Suspend a member",
        description="The person cannot enter this account any more, and the sessions in it end. The role stays for a "
        "resume. Other accounts of the person are not touched. Suspending again changes nothing.",
        endpoint=suspend_member, scope=_SCOPE, parameters=(_ID,),
        answers={200: Success(description="The member as it is now.", body=MemberShape)},
        problems=(USER_NOT_FOUND, LAST_OWNER),
    ),
    Route(
        name="resumeMember", method="POST", path=f"{_MEMBER}/resume", tag=_TAG, summary="Let a suspended member in",
        description="The person can enter the account again, with the role as before. A role with a scope that the "
        "caller lacks is 403. For a member who is not suspended, nothing changes.",
        endpoint=resume_member, scope=_SCOPE, parameters=(_ID,),
        answers={200: Success(description="The member as it is now.", body=MemberShape)}, problems=(USER_NOT_FOUND,),
    ),
    Route(
        name="inviteMember", method="POST", path="/api/v2/invitations", tag=_TAG, summary="Invite a person",
        description="Adds a person whom no account has yet, and gives a link, only in this answer. With it the person "
        f"sets a password, once, within three days. Padrón sends no mail. Addresses have at most {EMAIL_LENGTH_MAX} "
        "characters. A role with a scope that the caller lacks is 403.",
        endpoint=invite_member, scope=_SCOPE, body=InvitationBody,
        body_example={"email": "ana@fleet.example", "name": "Ana Ruiz", "role": "editor"},
        answers={201: Success(description="The new member with the link.", body=InvitationShape,
                              headers={"Location": "The member's address."})},
        problems=(*_BODY_PROBLEMS, USER_EXISTS),
    ),
    Route(
        name="createMemberLink", method="POST", path=f"{_MEMBER}/link", tag=_TAG, summary="Make another link",
        description="Gives a member a new link to set a password, in the place of earlier ones. It is 403 for somebody "
        "whom another account has too, and for a member whose role has a scope that the caller lacks.",
        endpoint=make_link, scope=_SCOPE, parameters=(_ID,),
        answers={201: Success(description="The link.", body=LinkShape)}, problems=(USER_NOT_FOUND,),
    ),
)  # fmt: skip
