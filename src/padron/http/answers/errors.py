"""Turns an error that is raised while a request is answered into its answer."""

import logging

from padron.domain.errors import Code, PadronError
from padron.domain.rates import RateExceededError
from padron.http.answers.problems import PROBLEMS, ProblemError, build_problem_reply, give_code_headers
from padron.http.answers.rates import give_rate_headers
from padron.http.answers.replies import Reply

_log = logging.getLogger("padron.http")


def word_error(error: PadronError | ProblemError, request_id: str) -> Reply:
    """Give the answer for a refusal."""
    if isinstance(error, ProblemError):
        return build_problem_reply(error.problem, error.detail, request_id, error.headers)
    if error.code is Code.STORE_UNAVAILABLE:
        _log.warning("request %s answered 503: %s", request_id, error.detail)
    headers = give_rate_headers(error) if isinstance(error, RateExceededError) else give_code_headers(error.code)
    return build_problem_reply(PROBLEMS[error.code], error.detail, request_id, headers)
