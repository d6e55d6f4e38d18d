"""An account's own API keys: list, create, change, rotate and revoke."""

from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from padron.domain.account import ApiKey, Scope, give_key_tag
from padron.domain.instants import parse_future_instant
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.account_problems import API_KEY_ENDED, API_KEY_LIMIT_REACHED, API_KEY_NOT_FOUND
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.idempotency import answer_within
from padron.http.reach import place
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.requests.conditions import format_etag, parse_if_match
from padron.http.shapes.administration import (
    KeyBody,
    KeyEditsBody,
    KeyList,
    KeyShape,
    RotateBody,
    RotatedKeyShape,
    shape_key,
    shape_new_key,
    shape_rotated_key,
)
from padron.service.accounts import NewKey
from padron.service.administration import own_keys
from padron.service.administration.keys import RotatedKey
from padron.service.administration.own_keys import AskedKey, KeyEdits

_NO_STORE = (b"cache-control", b"no-store")


async def create_key(call: Call) -> Reply:
    """POST /api/v2/keys."""
    body = await read_json(call, KeyBody)
    actor, now = call.principal.actor, call.runtime.clock()

    def word(new: NewKey) -> Reply:
        return _build_new(shape_new_key(new, actor, now), new.key)

    answer_within(call, word)
    asked = AskedKey(
        label=body.label,
        scopes=body.scopes,
        networks=body.networks,
        expires_at=_parse_end(body.expires_at),
        requests_per_s=body.requests_per_second,
    )
    return word(await own_keys.add_key(call.runtime, call.principal, call.request_id, asked))


async def list_keys(call: Call) -> Reply:
    """GET /api/v2/keys."""
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    page = await own_keys.list_keys(
        call.runtime, call.principal, limit=queries.parse_limit(given), cursor=given.get("cursor")
    )
    now = call.runtime.clock()
    shapes = [shape_key(key, call.principal.actor, now) for key in page.rows]
    return build_json_reply(200, KeyList(keys=shapes, next_cursor=page.next_cursor, more=page.more))


async def get_key(call: Call) -> Reply:
    """GET /api/v2/keys/{keyId}."""
    return _build_one(call, await own_keys.get_key(call.runtime, call.principal, _give_id(call)))


async def change_key(call: Call) -> Reply:
    """PATCH /api/v2/keys/{keyId}."""
    tags = parse_if_match(call)
    body = await read_json(call, KeyEditsBody)
    edits = KeyEdits(
        label=body.label,
        networks=body.networks,
        expires_at=UNSET if isinstance(body.expires_at, UnsetType) else _parse_end(body.expires_at),
        requests_per_s=body.requests_per_second,
    )
    key = await own_keys.change_key(call.runtime, call.principal, call.request_id, _give_id(call), edits, tags)
    return _build_one(call, key)


async def rotate_key(call: Call) -> Reply:
    """POST /api/v2/keys/{keyId}/rotate."""
    key_id, tags = _give_id(call), parse_if_match(call)
    body = await read_json(call, RotateBody, absent=b"{}")
    actor, now = call.principal.actor, call.runtime.clock()

    def word(rotated: RotatedKey) -> Reply:
        shape = shape_rotated_key(rotated.new, actor, now, key_id, rotated.old_ends_at)
        return _build_new(shape, rotated.new.key)

    answer_within(call, word)
    rotated = await own_keys.rotate_key(
        call.runtime,
        call.principal,
        call.request_id,
        key_id,
        overlap=_parse_overlap(body.overlap_seconds),
        expires_at=_parse_end(body.expires_at),
        tags=tags,
    )
    return word(rotated)


def _parse_overlap(seconds: int) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        return timedelta.max if seconds > 0 else timedelta.min  # which the service refuses


async def revoke_key(call: Call) -> Reply:
    """DELETE /api/v2/keys/{keyId}."""
    tags = parse_if_match(call)
    key = await own_keys.revoke_key(call.runtime, call.principal, call.request_id, _give_id(call), tags)
    return _build_one(call, key)


def _give_id(call: Call) -> str:
    return call.path_parameters["keyId"]


def _parse_end(text: str | None) -> datetime | None:
    return None if text is None else parse_future_instant("expiresAt", text)


def _build_one(call: Call, key: ApiKey) -> Reply:
    shape = shape_key(key, call.principal.actor, call.runtime.clock())
    return build_json_reply(200, shape, ((b"etag", format_etag(give_key_tag(key))),))


def _build_new(shape: KeyShape, key: ApiKey) -> Reply:
    location = place(f"{_KEYS}/{key.key_id}").encode()
    headers = ((b"location", location), (b"etag", format_etag(give_key_tag(key))))
    reply = build_json_reply(201, shape, headers)
    reply.headers = tuple(_NO_STORE if name == _NO_STORE[0] else (name, value) for name, value in reply.headers)
    return reply


_KEYS = "/api/v2/keys"
_KEY = f"{_KEYS}/{{keyId}}"
_SCOPE = Scope.ACCOUNT_MANAGE
_TAG = "Administration"
_ETAG = {"ETag": "The key's present state, for If-Match."}
_NEW = {"Location": "Its address.", **_ETAG}
_BODY_PROBLEMS = (problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE)
_ID = Parameter(
    name="keyId", place="path", required=True, description="The key's id.",
    schema={"type": "string", "pattern": "^[0-9]{1,18}k[0-9A-Za-z]{12}$"},
)  # fmt: skip
_IF_MATCH = Parameter(
    name="If-Match", place="header",
    description="Continue only if the key has this ETag (strong comparison); otherwise 412. A list is allowed too.",
    schema={"type": "string", "pattern": r'^(\*|"[0-9a-f]{16}")$'},
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    Route(
        name="createKey", method="POST", path=_KEYS, tag=_TAG, summary="Create an API key",
        description="The secret is shown only in this answer. A key cannot create one with a scope that it lacks "
        "itself: that is 403. With an Idempotency-Key, the kept answer is encrypted with your own key.",
        endpoint=create_key, scope=_SCOPE, body=KeyBody,
        body_example={"label": "workshop", "scopes": ["vehicles:read", "vehicles:status"], "networks": []},
        answers={201: Success(description="The key with its secret.", body=KeyShape, headers=_NEW)},
        problems=(*_BODY_PROBLEMS, API_KEY_LIMIT_REACHED),
    ),
    Route(
        name="listKeys", method="GET", path=_KEYS, tag=_TAG, summary="List the API keys",
        description="All keys of the account, oldest first, revoked and expired ones included, without their secrets. "
        "The oldest of more than 10,000 keys that have ended are deleted.",
        endpoint=list_keys, scope=_SCOPE, parameters=(parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=KeyList)}, problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="getKey", method="GET", path=_KEY, tag=_TAG, summary="Read an API key",
        description="Shows everything but its secret.",
        endpoint=get_key, scope=_SCOPE, parameters=(_ID,),
        answers={200: Success(description="The key.", body=KeyShape, headers=_ETAG)},
        problems=(API_KEY_NOT_FOUND,),
    ),
    Route(
        name="changeKey", method="PATCH", path=_KEY, tag=_TAG, summary="Change an API key",
        description="A missing member keeps its value. Every server knows the change within two seconds. A key cannot "
        "change one that has a scope which it lacks itself: that is 403.",
        endpoint=change_key, scope=_SCOPE, parameters=(_ID, _IF_MATCH),
        body=KeyEditsBody, body_example={"label": "workshop north", "requestsPerSecond": 20},
        answers={200: Success(description="The key as it is now.", body=KeyShape, headers=_ETAG)},
        problems=(
            *_BODY_PROBLEMS, API_KEY_NOT_FOUND, API_KEY_ENDED, problems.REVISION_MISMATCH,
        ),
    ),
    Route(
        name="rotateKey", method="POST", path=f"{_KEY}/rotate", tag=_TAG, summary="Replace an API key",
        description="Makes a key with the same label, scopes, networks and rate. Both are valid until the overlap "
        "ends. A key may rotate itself. It cannot rotate one that has a scope which it lacks: that is 403.",
        endpoint=rotate_key, scope=_SCOPE, parameters=(_ID, _IF_MATCH),
        body=RotateBody, body_example={"overlapSeconds": 3600}, body_required=False,
        answers={201: Success(description="The new key with its secret.", body=RotatedKeyShape, headers=_NEW)},
        problems=(
            *_BODY_PROBLEMS, API_KEY_NOT_FOUND, API_KEY_ENDED, API_KEY_LIMIT_REACHED,
            problems.REVISION_MISMATCH,
        ),
    ),
    Route(
        name="revokeKey", method="DELETE", path=_KEY, tag=_TAG, summary="Revoke an API key",
        description="Every server refuses the key within two seconds. Revoking it again is also 200. A key may revoke "
        "itself: `isCaller` is then true, and this answer is its last one.",
        endpoint=revoke_key, scope=_SCOPE, parameters=(_ID, _IF_MATCH),
        answers={200: Success(description="The revoked key.", body=KeyShape, headers=_ETAG)},
        problems=(problems.BAD_PARAMETERS, API_KEY_NOT_FOUND, problems.REVISION_MISMATCH),
    ),
)  # fmt: skip
