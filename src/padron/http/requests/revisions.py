"""Revisions in bodies: text that is a vehicle's tag. A plain number, as they were before, is read and fits nothing."""

from typing import Annotated

from msgspec import Meta

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.tags import TAG_EXAMPLE, TAG_PATTERN, is_plain_number, parse_tag

RevisionText = Annotated[
    str,
    Meta(
        description="Names a vehicle and its revision, for ever: the ETag without its quotes. Opaque.",
        extra_json_schema={"pattern": TAG_PATTERN, "examples": [TAG_EXAMPLE]},
    ),
]
PlainRevision = Annotated[
    int,
    Meta(
        description="A revision as it was before it was a tag. It fits no vehicle.",
        extra_json_schema={"minimum": 1, "maximum": 2**53 - 1, "deprecated": True},
    ),
]


def parse_revision(name: str, given: str | int) -> str:
    """Give the revision that a member names, to be compared. Raises ``bad_parameters`` for what never was one."""
    text = str(given)
    if parse_tag(text) is None and not is_plain_number(text):
        detail = f"{name} is {quote(text)}. Send the revision as you got it, such as {TAG_EXAMPLE}."
        raise PadronError(Code.BAD_PARAMETERS, detail)
    return text
