"""What the check of a token needs from the outside: somebody who fetches a provider's documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class SourceError(Exception):
    """A document that could not be fetched, or cannot be used. The text completes a sentence about the provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeRequest:
    """The exchange of a code for tokens. The secret is sent in a header if the form does not have it."""

    url: str
    form: Mapping[str, str]
    client_id: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAnswer:
    """An answer of a provider."""

    status: int
    body: bytes


class DocumentSource(Protocol):
    """Asks providers within limits of time and size."""

    async def fetch(self, url: str) -> bytes:
        """Give a document. Raises ``SourceError``."""
        ...

    async def post(self, request: CodeRequest) -> SourceAnswer:
        """Exchange a code at a provider, and give the answer whatever its status is. Raises ``SourceError``."""
        ...
