"""The console: finds out who asks, guards every action, and answers with pages.

The way is the same for each request: who asks, a place, the scope, the form, where it came from, and then the page.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace

from padron.console import cookies
from padron.console.declarations import FORM_BYTES_MAX, Access, ConsoleRoute
from padron.console.fields import Fields, parse_fields
from padron.console.guarding import check_site
from padron.console.pages import ROUTES
from padron.console.pages.errors import show_error, show_failure, show_missing, show_other_account, show_refused_body
from padron.console.pages.openid import list_offers
from padron.console.pages.signing_in import ask_to_sign_in
from padron.console.preferences import find_preferences
from padron.console.rendering import prepare
from padron.console.uploads import FORM_TYPE as MULTIPART_TYPE
from padron.console.uploads import BrowserUpload
from padron.console.visits import PageVisit, SignInOffer
from padron.console.writing import PageDesk
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import UPLOAD_BYTES_MAX
from padron.domain.sessions import derive_csrf_token
from padron.mounting import BodyRefusedError, Mount, MountedReply, MountedRequest, MountedRoute
from padron.service.people.sessions import read_session

FILE_BYTES_MAX = UPLOAD_BYTES_MAX + FORM_BYTES_MAX
NAME = "console"

_FORM_TYPE = "application/x-www-form-urlencoded"
_log = logging.getLogger("padron.console")


class Console:
    """The pages of one process."""

    def __init__(self, root_path: str, routes: Sequence[ConsoleRoute], offers: Sequence[SignInOffer]) -> None:
        self._root_path = root_path
        self._offers = tuple(offers)
        self._routes = {_declare(route): route for route in routes}
        self._preparing: asyncio.Task[None] | None = None
        self._desk = PageDesk()

    async def answer(self, request: MountedRequest) -> MountedReply:
        """Answer one request. Whatever goes wrong becomes a page."""
        await self._prepare()
        route = None if request.route is None else self._routes[request.route]
        visit = self._greet(request)
        if route is not None and route.access is Access.FILE:
            return await self._desk.write(await route.endpoint(visit))
        try:
            visit = await self._recognise(visit, is_use=route is None or route.is_use)
            visit = await _read_form(visit, route)
        except (PadronError, BodyRefusedError) as error:
            return await self._desk.write(_word_refusal(visit, error))
        return await self._show(visit, route)

    async def _show(self, visit: PageVisit, route: ConsoleRoute | None) -> MountedReply:
        try:
            async with self._desk.enter(visit, route):
                return await self._desk.write(show_missing(visit) if route is None else await _act(visit, route))
        except (PadronError, BodyRefusedError) as error:
            return await self._desk.write(_word_refusal(visit, error))
        except Exception:  # noqa: BLE001 - the last resort: nobody may see a traceback, and the log must have each
            _log.exception("request %s failed: %s %s", visit.request_id, visit.request.method, route and route.path)
            return await self._desk.write(show_failure(visit))

    async def _prepare(self) -> None:
        """Read templates and files once, beside the event loop."""
        if self._preparing is None:
            self._preparing = asyncio.create_task(asyncio.to_thread(prepare))
        if not self._preparing.done():
            await asyncio.shield(self._preparing)

    def _greet(self, request: MountedRequest) -> PageVisit:
        """Give the visit of somebody who is not known yet."""
        kept = cookies.parse_cookies(request.headers.get("cookie", ""))
        token = kept.get(cookies.SESSION) or None
        seed = derive_csrf_token(token) if token else kept.get(cookies.FORM_SEED, "")
        visit = PageVisit(
            request=request,
            root_path=self._root_path,
            offers=(*self._offers, *list_offers(request.runtime)),
            session=None,
            token=token,
            preferences=find_preferences(request, kept, None),
            now=request.runtime.clock(),
            query=Fields(),
            form=Fields(),
            form_seed=seed or secrets.token_hex(),
            cookies=kept,
        )
        if not seed:
            visit.to_set.append(cookies.write_cookie(cookies.FORM_SEED, visit.form_seed, strict=True))
        return visit

    async def _recognise(self, visit: PageVisit, *, is_use: bool) -> PageVisit:
        """Give the visit with its session, if it has one that has not ended."""
        visit = replace(visit, query=parse_fields(visit.request.query))
        if visit.token is None:
            return visit
        try:
            session = await read_session(visit.runtime, visit.token, visit.visitor, is_use=is_use)
        except PadronError as error:
            if error.code is not Code.SESSION_ENDED:
                raise
            return visit
        visit.request.admit(session.principal)
        preferences = find_preferences(visit.request, visit.cookies, session.user)
        return replace(visit, session=session, preferences=preferences)


def build_console(
    root_path: str = "", routes: Sequence[ConsoleRoute] = ROUTES, offers: Sequence[SignInOffer] = ()
) -> Mount:
    """Give the console for the server to mount.

    ``root_path`` is what a proxy puts before each of its addresses. ``offers`` are further ways to sign in.
    """
    console = Console(root_path, routes, offers)
    mounted = tuple(_declare(route) for route in routes)
    return Mount(name=NAME, routes=mounted, answer=console.answer, start=f"/{NAME}")


def _declare(route: ConsoleRoute) -> MountedRoute:
    return MountedRoute(method=route.method, path=route.path, is_streamed=route.takes_file)


async def _read_form(visit: PageVisit, route: ConsoleRoute | None) -> PageVisit:
    if visit.request.method != "POST":
        return visit
    content_type = visit.request.headers.get("content-type", "")
    if route is not None and route.takes_file and content_type.partition(";")[0].strip().lower() == MULTIPART_TYPE:
        upload = BrowserUpload(content_type, visit.request.stream_body(FILE_BYTES_MAX))
        return replace(visit, form=await upload.read_fields(), upload=upload)
    body = await visit.request.read_body(FORM_BYTES_MAX if route is None else route.form_bytes_max)
    if content_type.partition(";")[0].strip().lower() != _FORM_TYPE:
        raise PadronError(Code.BAD_PARAMETERS, f"Send a form of the type {_FORM_TYPE}.")
    return replace(visit, form=parse_fields(body.decode("utf-8", "replace")))


async def _act(visit: PageVisit, route: ConsoleRoute) -> MountedReply:
    if visit.request.method == "POST":
        check_site(visit.request, visit.form, visit.form_seed)
    if route.access is Access.MEMBER and visit.session is None:
        return ask_to_sign_in(visit)
    if (route.scope is not None or route.either_scope) and visit.is_for_other_account(visit.form):
        return show_other_account(visit)
    if route.scope is not None:
        visit.principal.check_scope(route.scope)
    if route.either_scope:
        visit.principal.check_either_scope(route.either_scope)
    return await route.endpoint(visit)


def _word_refusal(visit: PageVisit, error: PadronError | BodyRefusedError) -> MountedReply:
    if isinstance(error, BodyRefusedError):
        return show_refused_body(visit, error)
    if error.code is Code.STORE_UNAVAILABLE:
        visit.runtime.outage.note(error.detail)
    return show_error(visit, error)
