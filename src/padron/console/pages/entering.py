"""Links that let somebody in: an invitation or a new password, and a link that signs in once.

Showing the page uses nothing up, because mail programs and chats open links to show what is behind them.
"""

from padron.console.declarations import Access, ConsoleRoute
from padron.console.pages.signing_in import welcome
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.errors import Code, PadronError
from padron.domain.sessions import InvitationPurpose
from padron.mounting import MountedReply
from padron.service.people.invitations import FoundInvitation, accept_invitation, get_invitation, sign_in_with_link

_BAD_REQUEST = 400


async def show_invitation(visit: PageVisit) -> MountedReply:
    """GET /console/invitation/{token}."""
    return _show(visit, await get_invitation(visit.runtime, visit.parameters["token"]))


async def use_invitation(visit: PageVisit) -> MountedReply:
    """POST /console/invitation/{token}."""
    token = visit.parameters["token"]
    found = await get_invitation(visit.runtime, token)
    if found.invitation.purpose is InvitationPurpose.SIGN_IN:
        return await welcome(visit, await sign_in_with_link(visit.runtime, token, visit.visitor))
    password = visit.form.get("password")
    if password != visit.form.get("password_again"):
        return _show(visit, found, visit.wording.say("password.differs"))
    try:
        return await welcome(visit, await accept_invitation(visit.runtime, token, password, visit.visitor))
    except PadronError as error:
        if error.code is not Code.BAD_PARAMETERS:
            raise
        return _show(visit, found, visit.wording.say("password.refused"), error.detail)


def _show(visit: PageVisit, found: FoundInvitation, problem: str = "", detail: str = "") -> MountedReply:
    return show(
        visit,
        "invitation.html",
        status=_BAD_REQUEST if problem else 200,
        found=found,
        is_link=found.invitation.purpose is InvitationPurpose.SIGN_IN,
        problem=problem,
        detail=detail,
    )


_PATH = "/console/invitation/{token}"

ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_invitation, access=Access.PUBLIC),
    ConsoleRoute(method="POST", path=_PATH, endpoint=use_invitation, access=Access.PUBLIC),
)
