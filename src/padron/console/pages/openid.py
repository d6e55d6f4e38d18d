"""Signing in with an identity provider: the way there, and the way back."""

from padron.console import cookies
from padron.console.declarations import Access, ConsoleRoute
from padron.console.pages.signing_in import find_wanted, keep_session
from padron.console.replies import redirect_to
from padron.console.visits import PageVisit, SignInOffer
from padron.domain.openid import CALLBACK, PENDING_LASTS, Callback, take_once
from padron.mounting import MountedReply
from padron.service.openid.arriving import finish_sign_in
from padron.service.openid.departing import begin_sign_in, list_sign_in_providers
from padron.service.runtime import Runtime

START = "/console/openid/{provider}"


def list_offers(runtime: Runtime) -> tuple[SignInOffer, ...]:
    """Give the providers that the sign-in page offers."""
    return tuple(
        SignInOffer(name=one.title, path=START.format(provider=one.name)) for one in list_sign_in_providers(runtime)
    )


async def depart(visit: PageVisit) -> MountedReply:
    """GET /console/openid/{provider}: go to the provider.

    It only changes a cookie of this browser, so another site's page may lead here too.
    """
    departure = await begin_sign_in(visit.runtime, visit.parameters["provider"], find_wanted(visit), visit.visitor)
    age_s = int(PENDING_LASTS.total_seconds())
    # Lax, because the provider leads back here, which is another site's page to the browser.
    visit.to_set.append(cookies.write_cookie(cookies.OPENID, departure.browser_secret, age_s=age_s))
    return redirect_to(visit, departure.url)


async def arrive(visit: PageVisit) -> MountedReply:
    """GET /console/openid/{provider}/callback: come back from the provider."""
    visit.to_set.append(cookies.drop_cookie(cookies.OPENID))
    callback = Callback(
        code=_find(visit, "code"), state=_find(visit, "state"), issuer=_find(visit, "iss"), error=_find(visit, "error")
    )
    secret = visit.cookies.get(cookies.OPENID, "")
    arrival = await finish_sign_in(visit.runtime, visit.parameters["provider"], callback, secret, visit.visitor)
    await keep_session(visit, arrival.new)
    return redirect_to(visit, visit.link(arrival.wanted))


def _find(visit: PageVisit, name: str) -> str:
    return take_once([pair.value for pair in visit.query if pair.name == name])


ROUTES = (
    ConsoleRoute(method="GET", path=START, endpoint=depart, access=Access.PUBLIC),
    ConsoleRoute(method="GET", path=CALLBACK, endpoint=arrive, access=Access.PUBLIC),
)
