"""Conditional requests (RFC 9110, 13), with one parser of validators for both If-Match and If-None-Match.

A vehicle's ETag is its tag in quotes, and is always strong. The server compares the tags of a header as opaque text.
"""

import re
from dataclasses import dataclass

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.tags import TAG_EXAMPLE
from padron.http.calls import Call
from padron.service.vehicles.registration import WriteCondition

_SHOWN_LENGTH_MAX = 40

# One element of a list, possibly empty, and the comma after it (RFC 9110, 5.6.1 and 8.8.3). The time is linear for any
# header, because nothing is tried twice: the unbounded quantifiers are possessive, and the pattern after one cannot
# match its characters.
_match_element = re.compile(r'[ \t]*+(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*+)"[ \t]*+)?(?:,|\Z)').match


@dataclass(frozen=True, kw_only=True, slots=True)
class Validators:
    """The validators of a header: any vehicle (``*``), or strong and weak tags, without their quotes."""

    is_any: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


def parse_validators(value: bytes) -> Validators | None:
    """Give the validators of a header whose lines are joined by commas; None if it is not a list of ETags.

    The parser skips empty elements. A list of only empty elements names no tag.
    """
    text = value.decode("latin-1")
    if text.strip(" \t") == "*":
        return Validators(is_any=True)
    strong: set[str] = set()
    weak: set[str] = set()
    position = 0
    while position < len(text):
        match = _match_element(text, position)
        if match is None:
            return None
        if match[2] is not None:
            (strong if match[1] is None else weak).add(match[2])
        position = match.end()
    return Validators(strong=frozenset(strong), weak=frozenset(weak))


def format_etag(tag: str) -> bytes:
    """Give the ETag of a tag."""
    return b'"%b"' % tag.encode()


def parse_if_match(call: Call) -> frozenset[str] | None:
    """Give the tags that If-Match names; None without such a header, or for ``*``.

    The comparison is strong, so the result omits weak tags. Raises ``bad_parameters`` unless it is a list of ETags.
    """
    value = call.headers.get(b"if-match")
    if value is None:
        return None
    named = parse_validators(value)
    if named is None:
        shown = quote(value.decode("latin-1"), _SHOWN_LENGTH_MAX)
        detail = f'If-Match is {shown}. Send the ETag as you got it, quotes included, such as "{TAG_EXAMPLE}".'
        raise PadronError(Code.BAD_PARAMETERS, detail)
    return None if named.is_any else named.strong


def refuse_weak() -> PadronError:
    """Give the refusal for an If-Match without a strong ETag.

    A call raises it instead of ``NoRevisionNamedError``, which does not know the header.
    """
    return PadronError(
        Code.REVISION_MISMATCH,
        "If-Match has no strong ETag, and a weak one (with W/) matches no vehicle. Read the vehicle again and decide.",
    )


def give_condition(call: Call) -> WriteCondition:
    """Give a PUT's condition on the vehicle. Raises ``bad_parameters`` for an If-None-Match other than ``*``."""
    value = call.headers.get(b"if-none-match")
    if value is not None:
        named = parse_validators(value)
        if named is None or not named.is_any:
            # By RFC 9110, 13.1.2, the caller may have asked not to do this, so we must not continue.
            raise PadronError(
                Code.BAD_PARAMETERS, "If-None-Match can only be * here, which means that the vehicle must not exist."
            )
        return WriteCondition.MUST_NOT_EXIST
    return WriteCondition.MUST_EXIST if b"if-match" in call.headers else WriteCondition.NONE


def is_unchanged(call: Call, tag: str) -> bool:
    """Say whether If-None-Match names this tag, so that 304 is enough. Ignore a header that is not a list of ETags.

    The comparison is weak: W/ makes no difference.
    """
    value = call.headers.get(b"if-none-match")
    if value is None:
        return False
    named = parse_validators(value)
    return named is not None and (named.is_any or tag in named.strong or tag in named.weak)


def read_seen(call: Call) -> str | None:
    """Give the text of the header Padron-After: the change that the answer must include."""
    text = call.headers.get(b"padron-after")
    return None if text is None else text.decode("latin-1")
