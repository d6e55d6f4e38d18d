"""Turns an error that is raised while a request is answered into its answer, in the form of RFC 9457."""

from collections.abc import Mapping

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import Headers
from padron.domain.rates import RateExceededError
from padron.http.answers.problem import Problem, ProblemError
from padron.http.answers.problems import PROBLEMS
from padron.http.answers.rates import give_rate_headers
from padron.http.answers.replies import Reply

RETRY_AFTER_S = 1

_CODE_HEADERS: dict[Code, tuple[tuple[bytes, bytes], ...]] = {
    Code.UNAUTHORIZED: ((b"www-authenticate", b"Bearer"),),
    Code.INVALID_TOKEN: ((b"www-authenticate", b'Bearer error="invalid_token"'),),
    Code.KEY_IN_USE: ((b"retry-after", b"%d" % RETRY_AFTER_S),),
}

METADATA_PATH = "/.well-known/oauth-protected-resource"  # RFC 9728, 3


class ChallengeError(PadronError):
    """A refusal of a credential that also says where a client learns how to get one (RFC 9728, 5.1)."""

    def __init__(self, error: PadronError, resource: str) -> None:
        """``resource`` is the address of this server as its clients know it."""
        super().__init__(error.code, error.detail)
        self.metadata_url = f"{resource}{METADATA_PATH}"

    def give_headers(self) -> Headers:
        """Give the headers of the answer."""
        (name, value), *_ = _CODE_HEADERS[self.code]
        mark = b"," if b"=" in value else b""
        return ((name, b'%s%s resource_metadata="%s"' % (value, mark, self.metadata_url.encode())),)


def word_error(error: PadronError | ProblemError, request_id: str) -> Reply:
    """Give the answer for a refusal."""
    if isinstance(error, ProblemError):
        return build_problem_reply(error.problem, error.detail, request_id, error.headers)
    if isinstance(error, RateExceededError):
        headers = give_rate_headers(error)
    elif isinstance(error, ChallengeError):
        headers = error.give_headers()
    else:
        headers = give_code_headers(error.code)
    return build_problem_reply(PROBLEMS[error.code], error.detail, request_id, headers)


def give_code_headers(code: Code) -> Headers:
    """Give the additional headers of an error with this code."""
    return _CODE_HEADERS.get(code, ())


def build_problem_reply(
    problem: Problem,
    detail: str,
    request_id: str,
    headers: Headers = (),
    *,
    extension: Mapping[str, object] | None = None,
) -> Reply:
    """Give the answer for an error: the form of RFC 9457, the contract's two names, and an extension's members."""
    body = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "instance": request_id,
        "errorType": problem.error_type,
        "errorDetail": problem.error_detail,
        **(extension or {}),
    }
    if problem.status in {429, 503} and all(name != b"retry-after" for name, _ in headers):
        headers = (*headers, (b"retry-after", b"%d" % RETRY_AFTER_S))
    return Reply(
        problem.status,
        msgspec.json.encode(body),
        ((b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *headers),
        problem.slug,
    )
