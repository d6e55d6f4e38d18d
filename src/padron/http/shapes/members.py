"""The JSON form of an account's members, and of the links with which they set a password."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from padron.domain.people import EMAIL_LENGTH_MAX, USER_NAME_LENGTH_MAX, AccountMember, Role
from padron.http.reach import place
from padron.service.people.invitations import NewLink
from padron.service.people.members import InvitedMember

# Limits here are only for the document. The domain checks them, so the command line gives the same messages.
_Role = Annotated[str, Meta(extra_json_schema={"enum": [role.value for role in Role]})]


class MemberBody(Struct, forbid_unknown_fields=True):
    """The role of a member."""

    role: _Role


class InvitationBody(Struct, forbid_unknown_fields=True):
    """A person to invite."""

    email: Annotated[str, Meta(description="ASCII only.", extra_json_schema={"maxLength": EMAIL_LENGTH_MAX})]
    name: Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": USER_NAME_LENGTH_MAX})]
    role: _Role


class MemberShape(Struct, rename="camel"):
    """A member. ``isShared`` says that another account has the person too. Erased people have neither name nor address.

    ``suspendedAt`` says since when the person cannot enter this account, and ``disabledAt`` any account.
    ``hasPassword`` is false until the person has used the link.
    """

    id: str
    email: str | None
    name: str | None
    role: Role
    added_at: datetime
    suspended_at: datetime | None
    disabled_at: datetime | None
    has_password: bool
    is_shared: bool


class MemberList(Struct):
    """All members of the account, by e-mail address."""

    members: list[MemberShape]


class LinkShape(Struct, rename="camel"):
    """A link that works once. It is shown only in this answer."""

    link: Annotated[str, Meta(description="The path of a page of this server.")]
    expires_at: datetime


class InvitationShape(LinkShape, rename="camel", kw_only=True):
    """A new member, with a link that works once. It is shown only in this answer."""

    id: str
    role: Role


def shape_member(member: AccountMember) -> MemberShape:
    """Give the JSON form of a member."""
    user = member.user
    return MemberShape(
        id=user.user_id,
        email=user.email,
        name=user.name,
        role=member.role,
        added_at=member.added_at,
        suspended_at=member.suspended_at,
        disabled_at=user.disabled_at,
        has_password=user.password_changed_at is not None,
        is_shared=member.is_shared,
    )


def shape_link(link: NewLink) -> LinkShape:
    """Give the JSON form of a link."""
    return LinkShape(link=place(link.path), expires_at=link.invitation.expires_at)


def shape_invitation(invited: InvitedMember) -> InvitationShape:
    """Give the JSON form of a new member with the link."""
    link = shape_link(invited.link)
    return InvitationShape(id=invited.user.user_id, role=invited.role, link=link.link, expires_at=link.expires_at)
