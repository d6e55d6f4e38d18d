"""What can go wrong with a call.

``PadronClientError`` is the base of all. ``problems.py`` has a class for each ``errorDetail`` of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PadronClientError(Exception):
    """Something that this package reports."""


class ConnectionFailed(PadronClientError):
    """The server was not reached, or the connection broke before the answer was complete.

    The last attempt may have taken effect.
    """

    def __init__(self, message: str, *, attempts: int) -> None:
        super().__init__(message)
        self.attempts = attempts


class DeadlinePassed(PadronClientError):
    """The call was not answered within its deadline, all attempts included. It may have taken effect."""

    def __init__(self, message: str, *, attempts: int) -> None:
        super().__init__(message)
        self.attempts = attempts


class NotModified(PadronClientError):
    """With ``if_none_match``: what was asked for has this tag still."""

    def __init__(self, etag: str | None) -> None:
        super().__init__("What was asked for has not changed since it had this tag.")
        self.etag = etag


class UnexpectedAnswer(PadronClientError):
    """The answer is not one of Padrón's: another program or a proxy answered."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ApiError(PadronClientError):
    """An answer that refuses the request. ``error_detail`` is for programs, and ``detail`` is for people.

    With ``attempts`` over one, an earlier attempt may have taken effect, and this answer may be about its result: 404
    after a repeated deletion, or 412 after a repeated change with ``if_match``.
    """

    def __init__(
        self,
        members: Mapping[str, Any],
        *,
        status: int,
        request_id: str = "",
        retry_after_s: float | None = None,
        attempts: int = 1,
    ) -> None:
        self.members = dict(members)  # all of them, such as `results` of BatchRefused
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.attempts = attempts
        super().__init__(f"{status} {self.error_detail}: {self.detail}")

    def _give(self, name: str) -> str:
        value = self.members.get(name, "")
        return value if isinstance(value, str) else ""

    @property
    def type(self) -> str:
        """The address that explains the error."""
        return self._give("type")

    @property
    def title(self) -> str:
        """The error's name, for people."""
        return self._give("title")

    @property
    def detail(self) -> str:
        """What is wrong with this request, for people."""
        return self._give("detail")

    @property
    def instance(self) -> str:
        """The request."""
        return self._give("instance")

    @property
    def error_type(self) -> str:
        """The kind of error, such as ``conflict``."""
        return self._give("errorType")

    @property
    def error_detail(self) -> str:
        """The error, such as ``ClaimWithdrawn``."""
        return self._give("errorDetail")


class RequestRefused(ApiError):
    """The request is wrong: 400 and further statuses under 500 that have no class here."""


class NotAuthenticated(ApiError):
    """401: the key is missing or not valid."""


class NotPermitted(ApiError):
    """403: the key may not do this."""


class NotFound(ApiError):
    """404: the account has no such thing."""


class Conflict(ApiError):
    """409: the present state does not allow this."""


class Gone(ApiError):
    """410: what was asked for existed once."""


class PreconditionFailed(ApiError):
    """412: the state is not the one that the request named."""


class Overloaded(ApiError):
    """429: too many requests."""


class ServerFailed(ApiError):
    """500 and above: the server could not do it."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    429: Overloaded,
}
_SERVER_ERROR = 500


def give_class(status: int, error_detail: object) -> type[ApiError]:
    """Give the class for an answer. An ``errorDetail`` that is newer than this client gets the class of its status."""
    from padron_client.problems import BY_DETAIL  # noqa: PLC0415 - most programs never meet an error

    if isinstance(error_detail, str) and (known := BY_DETAIL.get(error_detail)) is not None:
        return known
    return _BY_STATUS.get(status, ServerFailed if status >= _SERVER_ERROR else RequestRefused)
