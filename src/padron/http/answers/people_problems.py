"""The errors about people, their sessions and their links."""

from padron.http.answers.problem import Problem

USER_NOT_FOUND = Problem(
    slug="user-not-found", status=404, title="Person not found", error_type="notFound", error_detail="UserNotFound",
    meaning="The account has no member with this id. The answer is the same for another account's member.",
    remedy="List the members of the account, and use the id of one of them.",
)  # fmt: skip
USER_EXISTS = Problem(
    slug="user-exists", status=409, title="Person known before", error_type="conflict", error_detail="UserExists",
    meaning="The register already knows somebody with this e-mail address. An account's owner can only add people whom "
    "no account has yet.",
    remedy="Ask the operator to add the person to the account (`padron users add`).",
)  # fmt: skip
LAST_OWNER = Problem(
    slug="last-owner", status=409, title="Last owner", error_type="conflict", error_detail="LastOwner",
    meaning="The person is the last owner of the account who may sign in. Without an owner, nobody could add one.",
    remedy="Make somebody else an owner first. The operator can do without (`--force`).",
)  # fmt: skip
SIGN_IN_REFUSED = Problem(
    slug="sign-in-refused", status=401, title="Sign-in refused", error_type="unauthorized",
    error_detail="SignInRefused",
    meaning="The e-mail address or the password is wrong, or the person may not sign in. The answer is the same for "
    "all of these.",
    remedy="Check both. Somebody who forgot the password asks an owner of the account for a link.",
)  # fmt: skip
SESSION_ENDED = Problem(
    slug="session-ended", status=401, title="Session ended", error_type="unauthorized", error_detail="SessionEnded",
    meaning="The session ended: by a sign-out, after 12 hours without use or seven days, because the password changed, "
    "or because the person or the key may not enter the account any more.",
    remedy="Sign in again.",
)  # fmt: skip
INVITATION_ENDED = Problem(
    slug="invitation-ended", status=410, title="Link not valid", error_type="gone", error_detail="InvitationEnded",
    meaning="The link was used before, has expired, was replaced by a later one, or never existed. A link works once.",
    remedy="Ask whoever gave you the link for another one.",
)  # fmt: skip
