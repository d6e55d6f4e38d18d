"""Idempotency-Key on every POST: a repeated request gets the first answer, byte for byte, and does nothing again.

The server never keeps answers 5xx and 429. It also keeps nothing of a request that it refused before it understood the
request: 401, 403, a body too large or too slow. The client chooses the key, for its API key and for one request.
"""

import hashlib
from collections.abc import Callable
from typing import TypeVar, cast

from padron.domain.errors import PadronError
from padron.domain.idempotency import KEY_LENGTH_MAX, HeldKey, KeptAnswer, KeyClaim, check_key
from padron.domain.signature import SECRET_PREFIX
from padron.domain.webhook import SEALED
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply, StreamReply
from padron.http.answers.sealing import open_for, seal_for, shows_token
from padron.http.authentication import find_token
from padron.http.calls import BULK_BODY_BYTES_MAX, Call
from padron.http.declarations import Parameter, Respond
from padron.http.server import word_failure
from padron.service import idempotency
from padron.service.runtime import Runtime

T = TypeVar("T")

HEADER = b"idempotency-key"
REPLAYED = (b"idempotency-replayed", b"true")
PARAMETER = Parameter(
    name="Idempotency-Key", place="header",
    description="Makes it safe to repeat the request. For 24 hours, a request with the same key, method, path, query "
    "and body does nothing. It gets the first answer again, with the first X-Request-Id and the header "
    "Idempotency-Replayed: true. Answers 429 and 5xx are not kept.",
    schema={"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX, "pattern": "^[!-~]([ -~]*[!-~])?$"},
)  # fmt: skip
PROBLEMS = (
    problems.BAD_PARAMETERS, problems.KEY_IN_USE, problems.ANSWER_LOST, problems.BODY_TOO_LARGE, problems.KEY_REUSED,
    problems.REQUEST_TIMEOUT, problems.UNSUPPORTED_MEDIA_TYPE,
)  # fmt: skip

_SECRET = SECRET_PREFIX.encode()
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


def check_header(call: Call) -> None:
    """Raise ``bad_parameters`` for an invalid Idempotency-Key."""
    if HEADER in call.headers:
        check_key(call.headers[HEADER].decode("latin-1"))


def give_head(call: Call) -> bytes:
    """Give the beginning of a request's fingerprint. The body follows it."""
    path, query = call.request.path, call.request.query
    return b"%s\n%d %s\n%d %s\n" % (call.request.method.encode(), len(path), path, len(query), query)


async def answer_once(call: Call, endpoint: Respond, fingerprint: bytes | None = None) -> Reply | StreamReply:
    """Answer a request by its endpoint. Repeat the first answer for a known Idempotency-Key.

    An endpoint that streams its body calls this itself, once it knows the fingerprint: the SHA-256 of head and body.
    """
    if HEADER not in call.headers:
        return await endpoint(call)
    check_header(call)
    key = call.headers[HEADER].decode("latin-1")
    if fingerprint is None:
        fingerprint = hashlib.sha256(give_head(call) + await call.read_body(BULK_BODY_BYTES_MAX)).digest()
    runtime = call.runtime  # before the call gets another one below
    claimed = await idempotency.claim_key(runtime, call.principal, key, fingerprint)
    if isinstance(claimed, KeptAnswer):
        call.request_id = claimed.request_id
        # It may say that a vehicle was deactivated, and come before the first answer does.
        await runtime.leases.confirm(call.principal.account_id, has_written=False)
        return Reply(claimed.status, _unseal(runtime, call, key, claimed.body), (*claimed.headers, REPLAYED))
    call.held_key = HeldKey(claim=claimed)
    call.runtime = idempotency.hold_key(runtime, call.held_key)
    try:
        reply = await _answer(call, endpoint)
    except Exception:
        await idempotency.release_key(runtime, claimed)
        raise
    await _settle(runtime, claimed, call, reply)
    return reply


def answer_within(call: Call, word: Callable[[T], Reply]) -> None:
    """Keep the answer in the transaction of the request's one write. ``word`` makes it from the write's result."""
    if call.held_key is not None:
        call.held_key.word = lambda result: _keep(call, word(cast("T", result)))


async def _answer(call: Call, endpoint: Respond) -> Reply | StreamReply:
    try:
        return await endpoint(call)
    except (PadronError, ProblemError) as error:
        return word_failure(call, error)


async def _settle(runtime: Runtime, claim: KeyClaim, call: Call, reply: Reply | StreamReply) -> None:
    if isinstance(reply, StreamReply) or reply.status >= _SERVER_ERROR or reply.status == _TOO_MANY_REQUESTS:
        await idempotency.release_key(runtime, claim)
    else:
        await idempotency.save_answer(runtime, claim, _keep(call, reply))


def _keep(call: Call, reply: Reply) -> KeptAnswer:
    """Give an answer as it is to be kept. One that shows a webhook's secret is encrypted, as the secret itself is.

    One that shows an API key, which is nowhere else, is encrypted for its caller alone.
    """
    body = reply.body
    if shows_token(body):
        body = seal_for(_give_caller(call), call.headers[HEADER].decode("latin-1"), body)
    elif _SECRET in body:
        body = call.runtime.secret_box.seal(body.decode()).encode()
    return KeptAnswer(request_id=call.request_id, status=reply.status, headers=reply.headers, body=body)


def _unseal(runtime: Runtime, call: Call, key: str, body: bytes) -> bytes:
    if body.startswith(SEALED.encode()):
        return runtime.secret_box.open(body.decode()).encode()
    return open_for(_give_caller(call), key, body)


def _give_caller(call: Call) -> str:
    """Give the token that the call came with. Every call that needs a key has one."""
    return cast("str", find_token(call.headers))
