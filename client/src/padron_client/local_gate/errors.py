"""What can go wrong between a local gate and the server. Only the gate's own thread sees these errors."""


class LocalGateError(Exception):
    """The base of the errors below."""


class ServerRefusedError(LocalGateError):
    """The server answered with an error. ``detail`` is the problem's ``errorDetail``, such as ``CursorGone``."""

    def __init__(self, status: int, detail: str, retry_after: float | None) -> None:
        super().__init__(f"The server answered {status} {detail}".rstrip() + ".")
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class BadAnswerError(LocalGateError):
    """An answer is cut, or is not what the protocol says."""


class CopyLostError(LocalGateError):
    """The copy cannot be continued: a change is missing, or it belongs to another life of the register."""


class SnapshotUnusableError(LocalGateError):
    """A file is not a snapshot of this gate, or is damaged."""
