"""The context of a trace, as the headers ``traceparent`` and ``tracestate`` carry it (W3C Trace Context).

A client may send anything in them. What has not exactly the right form counts as absent and is never an error.
"""

import re
from dataclasses import dataclass

TRACEPARENT_LENGTH = 55
TRACESTATE_LENGTH_MAX = 512
_STATE_MEMBERS_MAX = 32
_VERSION = "00"
_SAMPLED = 1
_KNOWN_FLAGS = 3  # sampled, and that the trace id is random

_match_parent = re.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})").fullmatch
_KEY = "[a-z0-9][a-z0-9_*/-]{0,240}(?:@[a-z][a-z0-9_*/-]{0,13})?"
_VALUE = "[ -+\\--<>-~]{0,255}[!-+\\--<>-~]"  # printable, without comma and =, and without a space at the end
_match_member = re.compile(f"({_KEY})={_VALUE}").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceContext:
    """One span of a trace. The ids are hexadecimal digits, 32 of the trace and 16 of the span."""

    trace_id: str
    span_id: str
    flags: int
    state: str = ""  # what other systems add, for themselves

    @property
    def is_sampled(self) -> bool:
        """Say whether the span is recorded."""
        return bool(self.flags & _SAMPLED)


def format_traceparent(context: TraceContext) -> str:
    """Give the text of the header ``traceparent``."""
    return f"{_VERSION}-{context.trace_id}-{context.span_id}-{context.flags:02x}"


def parse_traceparent(text: str) -> TraceContext | None:
    """Give the context of a header ``traceparent``, or None for any other text.

    A later version of the standard may add more behind the known parts.
    """
    match = _match_parent(text[:TRACEPARENT_LENGTH])
    if match is None:
        return None
    version, trace_id, span_id, flags = match.groups()
    rest = text[TRACEPARENT_LENGTH:]
    if version == "ff" or (rest and (version == _VERSION or not rest.startswith("-"))):
        return None
    if not (trace_id.strip("0") and span_id.strip("0")):
        return None
    return TraceContext(trace_id=trace_id, span_id=span_id, flags=int(flags, 16) & _KNOWN_FLAGS)


def parse_tracestate(text: str) -> str:
    """Give a header ``tracestate`` in its shortest form. A wrong one as a whole is dropped: then this gives ""."""
    if len(text) > TRACESTATE_LENGTH_MAX:
        return ""
    members = [member.strip(" \t") for member in text.split(",")]
    members = [member for member in members if member]
    keys = set()
    for member in members:
        match = _match_member(member)
        if match is None or match[1] in keys:
            return ""
        keys.add(match[1])
    return ",".join(members) if len(members) <= _STATE_MEMBERS_MAX else ""


def read_headers(parent: bytes | None, state: bytes | None) -> TraceContext | None:
    """Give the context that a request brings; None if it brings none. Several ``traceparent`` count as none."""
    context = None if parent is None else parse_traceparent(parent.decode("latin-1"))
    if context is None or state is None:
        return context
    return TraceContext(
        trace_id=context.trace_id,
        span_id=context.span_id,
        flags=context.flags,
        state=parse_tracestate(state.decode("latin-1")),
    )
