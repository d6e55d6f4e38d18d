"""Turns an error that is raised while a request is answered into its answer."""

import logging

from padron.domain.errors import Code, PadronError
from padron.http.answers.problems import PROBLEMS, ProblemError, build_problem_reply, give_code_headers
from padron.http.answers.replies import Reply

_log = logging.getLogger("padron.http")


def word_error(error: PadronError | ProblemError, request_id: str) -> Reply:
    """Give the answer for a refusal."""
    if isinstance(error, ProblemError):
        return build_problem_reply(error.problem, error.detail, request_id, error.headers)
    if error.code is Code.STORE_UNAVAILABLE:
        _log.warning("request %s answered 503: %s", request_id, error.detail)
    return build_problem_reply(PROBLEMS[error.code], error.detail, request_id, give_code_headers(error.code))
