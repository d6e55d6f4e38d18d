"""Conditional requests (RFC 9110, 13): a vehicle's ETag is its revision in quotes, always strong."""

import re

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.http.calls import Call
from padron.service.registration import Condition

_find_tags = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_REVISION_DIGITS_MAX = 18


def format_etag(revision: int) -> bytes:
    """Give the ETag of a revision."""
    return b'"%d"' % revision


def parse_if_match(call: Call) -> frozenset[int] | None:
    """Give the revisions that If-Match names; None when there is no such header, or ``*``.

    A weak tag or one that no vehicle can have matches nothing. Raises ``bad_parameters`` for what is no ETag.
    """
    value = call.headers.get(b"if-match")
    if value is None or value.strip() == b"*":
        return None
    tags = _parse_tags("If-Match", value.decode("latin-1"))
    return frozenset(int(tag) for weak, tag in tags if not weak and _is_revision(tag))


def give_condition(call: Call) -> Condition:
    """Give what a PUT demands of the vehicle beforehand. Raises ``bad_parameters`` for an If-None-Match but ``*``."""
    none_match = call.headers.get(b"if-none-match")
    if none_match is not None:
        if none_match.strip() != b"*":
            # To go on would be to do what the caller, by RFC 9110, 13.1.2, may have asked not to be done.
            raise PadronError(Code.BAD_PARAMETERS, "If-None-Match can only be * here: no such vehicle yet.")
        return Condition.MUST_NOT_EXIST
    return Condition.MUST_EXIST if b"if-match" in call.headers else Condition.NONE


def is_unchanged(call: Call, revision: int) -> bool:
    """Say whether If-None-Match names this revision, so that 304 is enough; a bad header counts as none."""
    value = call.headers.get(b"if-none-match")
    if value is None:
        return False
    if value.strip() == b"*":
        return True
    return any(tag == str(revision) for _, tag in _find_tags.findall(value.decode("latin-1")))


def _parse_tags(header: str, text: str) -> list[tuple[str, str]]:
    tags, position = [], 0
    while position < len(text):
        match = _find_tags.match(text, position)
        if match is None:
            raise PadronError(Code.BAD_PARAMETERS, f'{header} {quote(text)} is not a list of ETags such as "7", nor *.')
        tags.append((match.group(1) or "", match.group(2)))
        position = match.end()
    return tags


def _is_revision(tag: str) -> bool:
    return tag.isascii() and tag.isdigit() and len(tag) <= _REVISION_DIGITS_MAX and str(int(tag)) == tag


def read_seen(call: Call) -> str | None:
    """Give what the answer must include, as the client names it."""
    text = call.headers.get(b"padron-after")
    return None if text is None else text.decode("latin-1")
