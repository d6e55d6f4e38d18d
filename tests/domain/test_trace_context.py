"""What clients send as trace context: taken in exactly one form, and otherwise as if it were absent."""

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.trace_context import (
    TRACESTATE_LENGTH_MAX,
    TraceContext,
    format_traceparent,
    parse_traceparent,
    parse_tracestate,
    read_headers,
)
from tests.tables import each_row

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"


def test_a_header_is_read() -> None:
    assert parse_traceparent(HEADER) == TraceContext(trace_id=TRACE, span_id=SPAN, flags=1)


@each_row(
    "header, flags",
    [
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"00-{TRACE}-{SPAN}-03", 3),
        (f"00-{TRACE}-{SPAN}-ff", 3),  # what this version does not know is not passed on
        (f"01-{TRACE}-{SPAN}-01", 1),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", 1),
    ],
)
def test_flags_and_later_versions_are_understood(header: str, flags: int) -> None:
    assert parse_traceparent(header) == TraceContext(trace_id=TRACE, span_id=SPAN, flags=flags)


@each_row(
    "header",
    [
        "",
        HEADER.upper(),
        f" {HEADER}",
        f"{HEADER}\n",
        f"{HEADER}-more",  # version 00 has nothing more
        f"{HEADER}, {HEADER}",  # sent twice
        f"ff-{TRACE}-{SPAN}-01",
        f"01-{TRACE}-{SPAN}-01.more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE[:-1]}²-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        "e0676a397aca606e000000000002",  # the id of a request that is not traced
    ],
)
def test_anything_else_is_no_trace(header: str) -> None:
    assert parse_traceparent(header) is None


@given(
    st.from_regex("[0-9a-f]{32}", fullmatch=True).filter(lambda text: text.strip("0")),
    st.from_regex("[0-9a-f]{16}", fullmatch=True).filter(lambda text: text.strip("0")),
    st.integers(0, 3),
)
def test_what_is_formatted_is_read_again(trace_id: str, span_id: str, flags: int) -> None:
    context = TraceContext(trace_id=trace_id, span_id=span_id, flags=flags)
    assert parse_traceparent(format_traceparent(context)) == context


@given(st.binary(max_size=2_000), st.binary(max_size=2_000))
def test_no_bytes_are_an_error(parent: bytes, state: bytes) -> None:
    assert read_headers(parent, state) is None
    found = read_headers(HEADER.encode(), state)
    assert found is not None
    assert len(found.state) <= TRACESTATE_LENGTH_MAX


@each_row(
    "header, expected",
    [
        ("a=1", "a=1"),
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("a=1 , \t b=2,, c=3", "a=1,b=2,c=3"),
        ("tenant@system=x y", "tenant@system=x y"),
        ("a=1,a=2", ""),
        ("a", ""),
        ("A=1", ""),
        ("a=1=2", ""),
        ("a=", ""),
        ("a=\x1b[31m", ""),
        ("a=é", ""),
        (f"a={'x' * 256}", f"a={'x' * 256}"),
        (f"a={'x' * 257}", ""),
        (f"a={'x' * 200},b={'x' * 200},c={'x' * 200}", ""),
        (",".join(f"k{number}=1" for number in range(32)), ",".join(f"k{number}=1" for number in range(32))),
        (",".join(f"k{number}=1" for number in range(33)), ""),
    ],
)
def test_a_state_is_taken_as_a_whole_or_dropped(header: str, expected: str) -> None:
    assert parse_tracestate(header) == expected
