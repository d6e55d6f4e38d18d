"""Revisions in bodies: the text of a vehicle's tag. A plain number, their earlier form, is valid but never matches."""

from typing import Annotated

from msgspec import Meta

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.tags import TAG_EXAMPLE, TAG_PATTERN, is_plain_number, parse_tag

RevisionText = Annotated[
    str,
    Meta(
        description="The ETag without its quotes. It names a vehicle and its revision, for ever. Opaque.",
        extra_json_schema={"pattern": TAG_PATTERN, "examples": [TAG_EXAMPLE]},
    ),
]
PlainRevision = Annotated[
    int,
    Meta(
        description="The earlier form of a revision. It matches no vehicle.",
        extra_json_schema={"minimum": 1, "maximum": 2**53 - 1, "deprecated": True},
    ),
]


def parse_revision(name: str, given: str | int) -> str:
    """Give the revision of a member, for comparison. Raises ``bad_parameters`` for text that was never a revision."""
    text = str(given)
    if parse_tag(text) is None and not is_plain_number(text):
        detail = f"{name} is {quote(text)}. Send the revision as you got it, such as {TAG_EXAMPLE}."
        raise PadronError(Code.BAD_PARAMETERS, detail)
    return text
