"""Conditional requests (RFC 9110, 13). The one parser of validators, for If-Match and If-None-Match alike.

A vehicle's ETag is its tag in quotes, always strong. What a header names is compared as opaque text.
"""

import re
from dataclasses import dataclass

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.tags import TAG_EXAMPLE
from padron.http.calls import Call
from padron.service.vehicles.registration import WriteCondition

_SHOWN_LENGTH_MAX = 40

# One element of a list, maybe empty, and the comma after it (RFC 9110, 5.6.1 and 8.8.3). Nothing is ever tried twice:
# the unbounded quantifiers are possessive, and what stands next to one can take none of its characters. So the time
# is linear, however long the header and whatever is in it.
_match_element = re.compile(r'[ \t]*+(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*+)"[ \t]*+)?(?:,|\Z)').match


@dataclass(frozen=True, kw_only=True, slots=True)
class Validators:
    """What a header names: whatever there is (``*``), or tags without their quotes, the weak ones apart."""

    is_any: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


def parse_validators(value: bytes) -> Validators | None:
    """Give what a header of validators names, its lines joined by commas; None for one that is no list of ETags.

    Empty elements are passed over, and a list of nothing else names nothing.
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
    """Give the tags that If-Match names; None when there is no such header, or ``*``.

    They are compared strongly, so a weak one is left out. Raises ``bad_parameters`` for what is no list of ETags.
    """
    value = call.headers.get(b"if-match")
    if value is None:
        return None
    named = parse_validators(value)
    if named is None:
        shown = quote(value.decode("latin-1"), _SHOWN_LENGTH_MAX)
        detail = f'If-Match is {shown}: send the ETag as you got it, quotes included, such as "{TAG_EXAMPLE}".'
        raise PadronError(Code.BAD_PARAMETERS, detail)
    return None if named.is_any else named.strong


def refuse_weak() -> PadronError:
    """Give the refusal for an If-Match whose ETags are all weak, or that is a list of nothing.

    A call raises it in place of ``NoRevisionNamedError``, which cannot know of the header.
    """
    return PadronError(
        Code.REVISION_MISMATCH,
        "If-Match has no strong ETag, and a weak one (with W/) matches no vehicle. Read the vehicle again and decide.",
    )


def give_condition(call: Call) -> WriteCondition:
    """Give what a PUT demands of the vehicle beforehand. Raises ``bad_parameters`` for an If-None-Match but ``*``."""
    value = call.headers.get(b"if-none-match")
    if value is not None:
        named = parse_validators(value)
        if named is None or not named.is_any:
            # To go on would be to do what the caller, by RFC 9110, 13.1.2, may have asked not to be done.
            raise PadronError(Code.BAD_PARAMETERS, "If-None-Match can only be * here: no such vehicle yet.")
        return WriteCondition.MUST_NOT_EXIST
    return WriteCondition.MUST_EXIST if b"if-match" in call.headers else WriteCondition.NONE


def is_unchanged(call: Call, tag: str) -> bool:
    """Say whether If-None-Match names this tag, so that 304 is enough; a header that is no list counts as none.

    They are compared weakly: W/ makes no difference.
    """
    value = call.headers.get(b"if-none-match")
    if value is None:
        return False
    named = parse_validators(value)
    return named is not None and (named.is_any or tag in named.strong or tag in named.weak)


def read_seen(call: Call) -> str | None:
    """Give what the answer must include, as the client names it."""
    text = call.headers.get(b"padron-after")
    return None if text is None else text.decode("latin-1")
