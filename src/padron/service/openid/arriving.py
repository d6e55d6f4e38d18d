"""Takes a browser back from an identity provider: checks the answer, exchanges the code, and opens a session.

Every refusal says in words what went wrong. None repeats what the provider or the browser sent, but for names that the
configuration has.
"""

import asyncio
import json
import logging
from dataclasses import dataclass

from padron.domain.access_token import AccessToken, TokenRefusedError, read_token, refuse_token
from padron.domain.errors import Code, PadronError
from padron.domain.openid import Callback, Identity, SignInSecrets, check_id_header, check_id_token, find_callback_fault
from padron.domain.providers import find_roles
from padron.domain.sessions import SignInKind, SignInWay, Visitor
from padron.service.openid.departing import FoundProvider, get_provider
from padron.service.openid.linking import settle_person
from padron.service.people.sessions import NewSession, open_session_for
from padron.service.people.sign_ins import note_sign_in
from padron.service.runtime import Runtime
from padron.service.tokens.sources import CodeRequest, SourceError
from padron.store.people.openid import PendingSignIn
from padron.store.people.transaction import PeopleTransaction

_OK = 200

_log = logging.getLogger("padron.providers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A session for somebody who signed in at a provider, and the page that the person wanted to see."""

    new: NewSession
    wanted: str


async def finish_sign_in(
    runtime: Runtime, name: str, callback: Callback, browser_secret: str, visitor: Visitor
) -> Arrival:
    """Open a session for the person who comes back from a provider. ``browser_secret`` is from the browser's cookie.

    Raises ``sign_in_refused`` with what is wrong, and ``provider_unavailable`` when the provider cannot be asked.
    """
    try:
        return await _finish(runtime, name, callback, browser_secret, visitor)
    except PadronError as error:
        if error.code in {Code.SIGN_IN_REFUSED, Code.FORBIDDEN}:
            await note_sign_in(runtime, SignInKind.REFUSED, SignInWay.OPENID, visitor)
        raise


async def _finish(runtime: Runtime, name: str, callback: Callback, browser_secret: str, visitor: Visitor) -> Arrival:
    secrets = SignInSecrets(browser=browser_secret, state=callback.state)
    pending = await _take_pending(runtime, secrets)
    if pending is None or pending.provider != name:
        raise _refuse("It began in another browser, was finished already, or took more than ten minutes. Begin again.")
    found = get_provider(runtime, name)
    metadata = await found.keys.get_metadata()
    fault = find_callback_fault(callback, found.provider, names_itself=metadata.names_itself)
    if fault is not None:
        raise _refuse(f"{fault[:1].upper()}{fault[1:]}.")
    text = await _exchange(found, metadata.token_url, callback.code, secrets, in_body=metadata.wants_secret_in_body)
    try:
        token = read_token(text)
        identity = await _check(runtime, found, token, secrets)
    except TokenRefusedError as error:
        _log.warning("A sign-in with the provider %s was refused: %s", name, error.fault)
        raise _refuse(f"The identity token of the provider is not valid: {error.fault}.") from None
    roles = find_roles(found.provider.grants, token.claims)
    user = await settle_person(runtime, identity, roles, links_by_email=found.client.links_by_email)
    return Arrival(new=await open_session_for(runtime, user, SignInWay.OPENID, visitor), wanted=pending.wanted)


async def _take_pending(runtime: Runtime, secrets: SignInSecrets) -> PendingSignIn | None:
    """Give the sign-in that comes back, and forget it. None without one in this browser, or if it is too old."""
    if not secrets.are_well_formed:
        return None

    async def work(transaction: PeopleTransaction) -> PendingSignIn | None:
        return await transaction.openid.take_pending(secrets.state_sha256)

    pending = await runtime.store.people.write(work)
    return None if pending is None or runtime.clock() >= pending.expires_at else pending


async def _exchange(found: FoundProvider, token_url: str, code: str, secrets: SignInSecrets, *, in_body: bool) -> str:
    """Give the identity token for a code. Raises ``sign_in_refused`` and ``provider_unavailable``."""
    client = found.client
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": found.redirect_url,
        "code_verifier": secrets.verifier,
    }
    if in_body or not client.client_secret:
        form["client_id"] = client.client_id
    if in_body and client.client_secret:
        form["client_secret"] = client.client_secret
    secret = "" if in_body else client.client_secret
    request = CodeRequest(url=token_url, form=form, client_id=client.client_id, secret=secret)
    try:
        answer = await found.keys.source.post(request)
    except SourceError as error:
        _log.warning("The provider %s did not exchange a code: %s", found.provider.name, error)
        raise PadronError(
            Code.PROVIDER_UNAVAILABLE, f"The provider {found.provider.name} cannot be reached now. Try again."
        ) from None
    document = _read_object(answer.body)
    token = document.get("id_token")
    if answer.status == _OK and isinstance(token, str):
        return token
    reason = document.get("error")
    shown = reason if isinstance(reason, str) and reason.isascii() and reason.isprintable() else "without a reason"
    _log.warning("The provider %s refused a code: %s %s", found.provider.name, answer.status, shown[:100])
    if answer.status >= 500:  # noqa: PLR2004 - its own failure
        raise PadronError(Code.PROVIDER_UNAVAILABLE, f"The provider {found.provider.name} has failed. Try again.")
    if reason == "invalid_grant":
        raise _refuse("The provider says that the code was used before or is too old. Begin again.")
    raise _refuse("The provider did not take this server's request. Tell the operator, whose log has the reason.")


async def _check(runtime: Runtime, found: FoundProvider, token: AccessToken, secrets: SignInSecrets) -> Identity:
    """Give who signed in. Raises ``invalid_token`` and ``provider_unavailable``."""
    from padron.service.tokens.key_sets import verify  # noqa: PLC0415 - the library only where it is used

    wanted = check_id_header(token, found.provider)
    key = await found.keys.find(wanted)
    if key is None:
        raise refuse_token("the provider has no key of its name (kid)")
    if not await asyncio.to_thread(verify, token, key, wanted.algorithm):
        raise refuse_token("its signature does not fit")
    return check_id_token(token, found.provider, found.client, secrets.nonce, runtime.clock())


def _read_object(body: bytes) -> dict[str, object]:
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _refuse(sentence: str) -> PadronError:
    return PadronError(Code.SIGN_IN_REFUSED, f"This sign-in did not work. {sentence}")
