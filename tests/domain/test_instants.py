"""Instants are read by RFC 3339 itself, and by nothing that this Python takes besides."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.errors import Code, PadronError
from padron.domain.instants import (
    FRACTION_DIGITS_MAX,
    FUTURE_INSTANT_PATTERN,
    INSTANT_PATTERN,
    format_instant,
    parse_future_instant,
    parse_instant,
)
from tests.tables import each_row

RIGHT = {
    # RFC 3339, 5.8
    "1985-04-12T23:20:50.52Z": datetime(1985, 4, 12, 23, 20, 50, 520_000, UTC),
    "1996-12-19T16:39:57-08:00": datetime(1996, 12, 20, 0, 39, 57, tzinfo=UTC),
    "1990-12-31T23:59:60Z": datetime(1991, 1, 1, tzinfo=UTC),
    "1990-12-31T15:59:60-08:00": datetime(1991, 1, 1, tzinfo=UTC),
    "1937-01-01T12:00:27.87+00:20": datetime(1937, 1, 1, 11, 40, 27, 870_000, UTC),
    # leap seconds, whose fraction is that of the second after them
    "2016-12-31T23:59:60.5Z": datetime(2017, 1, 1, 0, 0, 0, 500_000, UTC),
    "2015-06-30T23:59:60Z": datetime(2015, 7, 1, tzinfo=UTC),
    "2017-01-01T05:29:60+05:30": datetime(2017, 1, 1, tzinfo=UTC),
    # offsets
    "2026-03-01T08:00:00-00:00": datetime(2026, 3, 1, 8, tzinfo=UTC),
    "2026-03-01T08:00:00+00:00": datetime(2026, 3, 1, 8, tzinfo=UTC),
    "2026-03-01T08:00:00+23:59": datetime(2026, 2, 28, 8, 1, tzinfo=UTC),
    "2026-03-01T08:00:00-23:59": datetime(2026, 3, 2, 7, 59, tzinfo=UTC),
    # letters
    "2026-03-01t08:00:00z": datetime(2026, 3, 1, 8, tzinfo=UTC),
    "2026-03-01t08:00:00+01:00": datetime(2026, 3, 1, 7, tzinfo=UTC),
    # the ends of time
    "0001-01-01T00:00:00Z": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59.999999Z": datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
    "0001-01-01T05:00:00+05:00": datetime(1, 1, 1, tzinfo=UTC),
    "9999-12-31T18:59:59-05:00": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    # days
    "2024-02-29T00:00:00Z": datetime(2024, 2, 29, tzinfo=UTC),
    "2000-02-29T00:00:00Z": datetime(2000, 2, 29, tzinfo=UTC),
    # fractions, of which six digits count, cut off
    "2026-03-01T08:00:00.1Z": datetime(2026, 3, 1, 8, 0, 0, 100_000, UTC),
    "2026-03-01T08:00:00.000001Z": datetime(2026, 3, 1, 8, 0, 0, 1, UTC),
    "2026-03-01T08:00:00.1234567Z": datetime(2026, 3, 1, 8, 0, 0, 123_456, UTC),
    "2026-03-01T08:00:00.123456789+00:00": datetime(2026, 3, 1, 8, 0, 0, 123_456, UTC),
    f"2026-03-01T08:00:59.{'9' * FRACTION_DIGITS_MAX}Z": datetime(2026, 3, 1, 8, 0, 59, 999_999, UTC),
}

WRONG = [
    "2026-03-01T08:00:00+05:75", "2026-03-01T08:00:00+24:00", "2026-03-01T08:00:00-05:60", "2026-03-01T08:00:00+99:99",
    "2026-03-01T08:00:00+0500", "2026-03-01T08:00:00+05", "2026-03-01T08:00:00+5:00", "2026-03-01T08:00:00+05:30:15",
    "2026-03-01T08:00:00\N{MINUS SIGN}05:00", "2026-03-01T08:00:00", "2026-03-01", "2026-03-01T08:00Z",
    "2026-03-01 08:00:00Z", "2026-03-01_08:00:00Z", "2026-03-01T08:00:00 Z", " 2026-03-01T08:00:00Z",
    "2026-03-01T08:00:00Z ", "2026-03-01T08:00:00Z\n", "\ufeff2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z\0",
    "20260301T080000Z", "2026-W09-7T08:00:00Z", "2026-060T08:00:00Z", "26-03-01T08:00:00Z", "+02026-03-01T08:00:00Z",
    "2026-3-1T8:0:0Z", "2026-02-29T08:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T08:00:00Z", "2026-00-01T08:00:00Z",
    "2026-13-01T08:00:00Z", "2026-03-00T08:00:00Z", "2026-03-32T08:00:00Z", "2026-03-01T24:00:00Z",
    "2026-03-01T25:00:00Z", "2026-03-01T08:60:00Z", "2026-03-01T08:00:61Z", "2026-03-01T08:00:60Z",
    "2016-12-31T23:59:60+01:00", "2016-12-31T22:59:60Z", "2016-12-30T23:59:60Z", "2016-12-31T23:58:60Z",
    "9999-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z",
    "2026-03-01T08:00:00.Z", "2026-03-01T08:00:00,5Z", f"2026-03-01T08:00:00.{'0' * (FRACTION_DIGITS_MAX + 1)}Z",
    "2026-03-01T08:00:00.5.5Z", "2026-03-01T08:00:00.+5Z", "2026-03-01T08:00:00.1_0Z",
    "\N{FULLWIDTH DIGIT TWO}026-03-01T08:00:00Z", "2026-03-01T08:00:0\N{ARABIC-INDIC DIGIT ONE}Z",
    "2026-03-01T08:00:00.\N{DEVANAGARI DIGIT FIVE}Z", "2026-03-01T08:00:00+0\N{FULLWIDTH DIGIT FIVE}:00",
    "2026-03-01T08:00:00\N{LATIN CAPITAL LETTER Z WITH CARON}", "2026-03-01T08:00:00UTC", "2026-03-01T08:00:00Z+00:00",
    "now", "today", "1772366400", "", "T", "Z", "Sun, 01 Mar 2026 08:00:00 GMT",
]  # fmt: skip


@each_row("text", RIGHT)
def test_an_instant_of_rfc_3339_is_read(text: str) -> None:
    at = parse_instant("asOf", text)
    assert at == RIGHT[text]
    assert at.tzinfo is UTC
    assert re.search(INSTANT_PATTERN, text)


@each_row("text", WRONG)
def test_what_rfc_3339_does_not_allow_is_refused(text: str) -> None:
    for parse in (parse_instant, parse_future_instant):
        with pytest.raises(PadronError) as refusal:
            parse("asOf", text)
        assert refusal.value.code is Code.BAD_PARAMETERS
        assert refusal.value.detail.startswith("asOf is ")


@each_row(
    "text, said",
    [
        ("2026-02-30T08:00:00Z", "the day 2026-02-30 does not exist"),
        ("0001-01-01T00:00:00+01:00", "in UTC its year is not from 0001 to 9999"),
        ("2026-03-01T08:00:60Z", "second 60"),
        ("2026-03-01T08:00:00", "2026-12-01T08:00:00Z"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(PadronError, match=re.escape(said)):
        parse_instant("asOf", text)


def test_a_leap_second_to_come_is_refused_with_a_sentence() -> None:
    with pytest.raises(PadronError, match="future leap seconds are not known"):
        parse_future_instant("until", "2030-06-30T23:59:60Z")
    assert parse_future_instant("until", "2030-06-30T23:59:59Z") == datetime(2030, 6, 30, 23, 59, 59, tzinfo=UTC)
    assert not re.search(FUTURE_INSTANT_PATTERN, "2030-06-30T23:59:60Z")
    assert re.search(FUTURE_INSTANT_PATTERN, "2030-06-30T23:59:59Z")


offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), offsets)  # noqa: DTZ001 - the offset is added
def test_whatever_is_written_is_read_back(naive: datetime, offset: timezone) -> None:
    at = naive.replace(tzinfo=offset)
    assert parse_instant("asOf", at.isoformat()) == at
    assert parse_instant("asOf", format_instant(at.astimezone(UTC))) == at


@given(st.from_regex(INSTANT_PATTERN, fullmatch=True))
def test_the_documents_pattern_admits_no_more_than_days_ends_and_leap_seconds_decide(text: str) -> None:
    try:
        parse_instant("asOf", text)
    except PadronError as refusal:
        assert any(  # noqa: PT017 - whether it is refused is for the text to say
            said in refusal.detail for said in ("does not exist", "not from 0001 to 9999", "second 60")
        )


@given(st.text("0123456789-+:TtZz.\n \u0665", max_size=40))
def test_whatever_is_read_fits_the_documents_pattern(text: str) -> None:
    try:
        parse_instant("asOf", text)
    except PadronError:
        return
    assert re.search(INSTANT_PATTERN, text)


@each_row("part", ["0", "9:", "2026-03-01T08:00:00.0", "+05:00", "Z"])
def test_a_long_text_takes_no_longer_than_a_short_one(part: str) -> None:
    text = "2026-03-01T08:00:00." + part * 200_000
    began = time.perf_counter()
    with pytest.raises(PadronError) as refusal:
        parse_instant("asOf", text)
    assert time.perf_counter() - began < 0.1
    assert len(refusal.value.detail) < 300
