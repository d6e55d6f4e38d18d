"""The API keys of an account: the list, a new one, and what is done to one. A token is shown once, and never again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.pages.settings.key_form import TypedKey, list_scope_choices, write_local
from padron.console.pages.status_change import parse_local
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import KEY_LABEL_LENGTH_MAX, KEY_RATE_MAX, ApiKey, Scope, give_key_tag
from padron.domain.errors import Code, PadronError
from padron.mounting import MountedReply
from padron.service.accounts import NewKey
from padron.service.administration import own_keys
from padron.service.administration.own_keys import AskedKey, KeyEdits

ROWS = 100
OVERLAPS_H = (0, 1, 24, 168, 720)  # how long both keys are valid, in hours

_LIST = "/console/keys"
_ONE = "/console/keys/{key}"
_BAD_REQUEST = 400
_EXPLAINED = frozenset(
    {Code.BAD_PARAMETERS, Code.FORBIDDEN, Code.KEY_LIMIT_REACHED, Code.KEY_ENDED, Code.REVISION_MISMATCH}
)
_SAVED = ("changed", "revoked")


async def show_keys(visit: PageVisit) -> MountedReply:
    """GET /console/keys."""
    cursor = visit.query.get("cursor") or None
    page = await own_keys.list_keys(visit.runtime, visit.principal, limit=ROWS, cursor=cursor)
    return show(
        visit,
        "keys.html",
        rows=page.rows,
        next_cursor=page.next_cursor,
        is_first=cursor is None,
        scope_count=len(Scope),
    )


async def show_new(visit: PageVisit) -> MountedReply:
    """GET /console/keys/new."""
    return _show_new(visit, TypedKey.read(visit.query))


async def show_new_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return _show_new(visit, TypedKey.read(visit.form), note="sign_in.typed_again")


async def add(visit: PageVisit) -> MountedReply:
    """POST /console/keys/new."""
    typed = TypedKey.read(visit.form)
    try:
        asked = AskedKey(
            label=typed.label,
            scopes=typed.scopes,
            networks=typed.list_networks(),
            expires_at=parse_local(visit, typed.expires),
            requests_per_s=typed.parse_rate(visit),
        )
        new = await own_keys.add_key(visit.runtime, visit.principal, visit.request_id, asked)
    except PadronError as error:
        return _show_new(visit, typed, problem=_explain(error))
    return _show_token(visit, new, None)


async def show_key(visit: PageVisit) -> MountedReply:
    """GET /console/keys/{key}."""
    key = await _get_key(visit)
    return _show_key(visit, key, TypedKey.of(key, visit))


async def change(visit: PageVisit) -> MountedReply:
    """POST /console/keys/{key}: another label, other networks, another end or rate."""
    key, typed = await _get_key(visit), TypedKey.read(visit.form)
    tags = frozenset({visit.form.get("tag")})
    try:
        edits = KeyEdits(
            label=typed.label,
            networks=typed.list_networks(),
            expires_at=_parse_end(visit, key, typed.expires),
            requests_per_s=typed.parse_rate(visit),
        )
        await own_keys.change_key(visit.runtime, visit.principal, visit.request_id, key.key_id, edits, tags)
    except PadronError as error:
        return _show_key(visit, await _get_key(visit), typed, problem=_explain(error))
    return redirect(visit, f"{_LIST}/{key.key_id}", [Pair("saved", "changed")])


async def rotate(visit: PageVisit) -> MountedReply:
    """POST /console/keys/{key}/rotate: a new key in its place."""
    key = await _get_key(visit)
    try:
        rotated = await own_keys.rotate_key(
            visit.runtime, visit.principal, visit.request_id, key.key_id, overlap=_parse_overlap(visit),
            expires_at=None, tags=frozenset({visit.form.get("tag")}),
        )  # fmt: skip
    except PadronError as error:
        return _show_key(visit, key, TypedKey.of(key, visit), problem=_explain(error))
    return _show_token(visit, rotated.new, rotated.old_ends_at)


async def revoke(visit: PageVisit) -> MountedReply:
    """POST /console/keys/{key}/revoke."""
    key = await _get_key(visit)
    await own_keys.revoke_key(visit.runtime, visit.principal, visit.request_id, key.key_id, None)
    return redirect(visit, f"{_LIST}/{key.key_id}", [Pair("saved", "revoked")])


async def _get_key(visit: PageVisit) -> ApiKey:
    return await own_keys.get_key(visit.runtime, visit.principal, visit.parameters["key"])


def _parse_end(visit: PageVisit, key: ApiKey, typed: str) -> datetime | UnsetType | None:
    """Give the end that was typed. The field shows minutes: whoever left it alone means the very same end."""
    return UNSET if typed == write_local(visit, key.expires_at) else parse_local(visit, typed)


def _parse_overlap(visit: PageVisit) -> timedelta:
    """Give how long the former key stays. Raises ``bad_parameters``."""
    hours = visit.form.get("overlap")
    if hours not in map(str, OVERLAPS_H):
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("keys.no_overlap"))
    return timedelta(hours=int(hours))


def _explain(error: PadronError) -> str:
    if error.code not in _EXPLAINED:
        raise error
    return error.detail


def _show_new(visit: PageVisit, typed: TypedKey, *, problem: str = "", note: str = "") -> MountedReply:
    return show(
        visit,
        "key-new.html",
        status=_BAD_REQUEST if problem else 200,
        typed=typed,
        scopes=list_scope_choices(visit),
        label_max=KEY_LABEL_LENGTH_MAX,
        rate_max=KEY_RATE_MAX,
        problem=problem,
        note=note,
    )


def _show_key(visit: PageVisit, key: ApiKey, typed: TypedKey, problem: str = "") -> MountedReply:
    lacking: Sequence[str] = sorted(key.scopes - visit.principal.scopes)
    return show(
        visit,
        "key.html",
        status=_BAD_REQUEST if problem else 200,
        key=key,
        typed=typed,
        tag=give_key_tag(key),
        is_usable=key.is_usable(visit.now),
        is_own=key.key_id == visit.principal.actor,
        lacking=lacking,
        overlaps=OVERLAPS_H,
        label_max=KEY_LABEL_LENGTH_MAX,
        rate_max=KEY_RATE_MAX,
        saved=visit.query.get("saved") if visit.query.get("saved") in _SAVED else "",
        problem=problem,
    )


def _show_token(visit: PageVisit, new: NewKey, old_ends_at: datetime | None) -> MountedReply:
    return show(visit, "key-token.html", new=new, old_ends_at=old_ends_at)


ROUTES = (
    ConsoleRoute(method="GET", path=_LIST, endpoint=show_keys, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="GET", path=f"{_LIST}/new", endpoint=show_new, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(
        method="POST", path=f"{_LIST}/new", endpoint=add, scope=Scope.ACCOUNT_MANAGE, show_again=show_new_again
    ),
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_key, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=_ONE, endpoint=change, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=f"{_ONE}/rotate", endpoint=rotate, scope=Scope.ACCOUNT_MANAGE),
    ConsoleRoute(method="POST", path=f"{_ONE}/revoke", endpoint=revoke, scope=Scope.ACCOUNT_MANAGE),
)
