"""What use cases need from a sender of webhooks, and the sender of a process that sends none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from padron.domain.target import Network
from padron.domain.webhook import Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message: its endpoint, its URL, its signed headers, and its body."""

    endpoint_id: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Sender(Protocol):
    """Sends messages to targets that are allowed."""

    @property
    def allowed(self) -> Sequence[Network]:
        """The networks that the operator allowed."""
        ...

    async def send(self, message: Message) -> Answer:
        """Send a message and give the result. It raises nothing, whatever the target does."""
        ...


class NoSender:
    """The sender of a process that is not a server, such as a command."""

    allowed: Sequence[Network] = ()

    async def send(self, message: Message) -> Answer:
        """Give a failure."""
        return Answer(
            status=None, error=f"This process sends no webhooks, so none went to {message.url}.", duration=timedelta(0)
        )
