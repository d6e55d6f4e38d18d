"""What the check of a token needs from the outside: somebody who fetches a provider's documents."""

from typing import Protocol


class SourceError(Exception):
    """A document that could not be fetched, or cannot be used. The text completes a sentence about the provider."""


class DocumentSource(Protocol):
    """Fetches documents of providers within limits of time and size."""

    async def fetch(self, url: str) -> bytes:
        """Give a document. Raises ``SourceError``."""
        ...
