"""Passkeys: signing in with one, and those of one's profile. Each takes two forms.

The first form asks the server what the browser must sign. The answer is the same page with a second form, which the
script fills in with what the browser gives, and sends.
"""

from padron.console.declarations import Access, ConsoleRoute
from padron.console.fields import Pair
from padron.console.guarding import give_origin
from padron.console.pages.profile import PROFILE, PasskeyStep, show_own, show_profile
from padron.console.pages.signing_in import WANTED, show_sign_in, try_to_sign_in
from padron.console.pending import PENDING_FIELD, decode_pending
from padron.console.replies import redirect
from padron.console.visits import PageVisit
from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import ANSWER_LENGTH_MAX, Party
from padron.mounting import MountedReply
from padron.service.passkeys.adding import begin_adding, finish_adding
from padron.service.passkeys.keeping import remove_passkey
from padron.service.passkeys.parties import find_party, get_party
from padron.service.passkeys.signing_in import begin_passkey_sign_in, sign_in_with_passkey

_ANSWER_BYTES_MAX = 2 * ANSWER_LENGTH_MAX  # its signs are encoded in the form
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.SIGN_IN_REFUSED})


async def begin_sign_in(visit: PageVisit) -> MountedReply:
    """POST /console/sign-in/passkey."""
    options = await begin_passkey_sign_in(visit.runtime, _get_party(visit), visit.form_seed, visit.visitor)
    pending = decode_pending(visit.form.get(PENDING_FIELD))
    return show_sign_in(visit, pending=pending, wanted=visit.form.get(WANTED), options=options)


async def finish_sign_in(visit: PageVisit) -> MountedReply:
    """POST /console/sign-in/passkey/answer."""
    answer = visit.form.get("credential")
    signing_in = sign_in_with_passkey(visit.runtime, _get_party(visit), answer, visit.form_seed, visit.visitor)
    return await try_to_sign_in(visit, signing_in, "sign_in.passkey_refused")


async def begin(visit: PageVisit) -> MountedReply:
    """POST /console/profile/passkeys: ask for what makes a passkey."""
    name = visit.form.get("name").strip()
    party = _get_party(visit)
    try:
        password = visit.form.get("password")
        options = await begin_adding(visit.runtime, visit.signed_in, party, name, password, visit.visitor)
    except PadronError as error:
        return await _explain(visit, error, name)
    return await show_own(visit, step=PasskeyStep(name=name, options=options))


async def finish(visit: PageVisit) -> MountedReply:
    """POST /console/profile/passkeys/answer: keep what the browser has made."""
    name, answer = visit.form.get("name"), visit.form.get("credential")
    try:
        await finish_adding(visit.runtime, visit.signed_in, _get_party(visit), name, answer, visit.visitor)
    except PadronError as error:
        return await _explain(visit, error, name)
    return redirect(visit, PROFILE, [Pair("saved", "passkey_added")])


async def remove(visit: PageVisit) -> MountedReply:
    """POST /console/profile/passkeys/remove."""
    number, password = visit.form.get("passkey"), visit.form.get("password")
    party = find_party(visit.runtime, give_origin(visit.request))
    try:
        await remove_passkey(visit.runtime, visit.signed_in, party, number, password, visit.visitor)
    except PadronError as error:
        return await _explain(visit, error)
    return redirect(visit, PROFILE, [Pair("saved", "passkey_removed")])


async def _explain(visit: PageVisit, error: PadronError, name: str = "") -> MountedReply:
    """Give the profile with what was wrong, and with the name as it was typed."""
    if error.code not in _EXPLAINED:
        raise error
    is_proof = error.code is Code.SIGN_IN_REFUSED and not visit.form.get("credential")
    if is_proof:
        return await show_own(visit, "passkeys.unproved", step=PasskeyStep(name=name))
    return await show_own(visit, "passkeys.refused", error.detail, step=PasskeyStep(name=name))


def _get_party(visit: PageVisit) -> Party:
    return get_party(visit.runtime, give_origin(visit.request))


_SIGN_IN = "/console/sign-in/passkey"
_OWN = f"{PROFILE}/passkeys"

# After a session has ended, the profile is shown as it is: what was signed in the former session proves nothing.
ROUTES = (
    ConsoleRoute(method="POST", path=_SIGN_IN, endpoint=begin_sign_in, access=Access.PUBLIC),
    ConsoleRoute(
        method="POST", path=f"{_SIGN_IN}/answer", endpoint=finish_sign_in, access=Access.PUBLIC,
        form_bytes_max=_ANSWER_BYTES_MAX,
    ),
    ConsoleRoute(method="POST", path=_OWN, endpoint=begin, show_again=show_profile),
    ConsoleRoute(
        method="POST", path=f"{_OWN}/answer", endpoint=finish, show_again=show_profile,
        form_bytes_max=_ANSWER_BYTES_MAX,
    ),
    ConsoleRoute(method="POST", path=f"{_OWN}/remove", endpoint=remove, show_again=show_profile),
)  # fmt: skip
