"""The one parser of If-Match and If-None-Match (RFC 9110, 8.8.3 and 13.1): what it reads, and in linear time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.http.requests.conditions import Validators, parse_validators
from tests.cast import HUMMER
from tests.http.api import STATUS, VEHICLE, Api
from tests.tables import each_row

HEADER_BYTES = 15_500  # of the 16 KB that all headers together may have
GROWTH = 16

spaces = st.text(" \t", max_size=3)
characters = st.characters(min_codepoint=0x21, max_codepoint=0xFF).filter(
    lambda one: one != '"' and not "\x7f" <= one < "\x80"
)
tags = st.text(characters, max_size=8)
# What none of the expressions that were tried before could read in linear time is among these.
ADVERSARIAL = {
    "spaces inside": ("a", " ", "b"),
    "spaces in front": ("", " ", "b"),
    "tabs and spaces after a tag": ('"a"', "\t ", ";"),
    "spaces after a comma": ('"a",', " ", "b"),
    "nothing but spaces": ("", " ", ""),
    "nothing but commas": ("", ",", ""),
    "empty elements and an end that is none": ("", " ,", "b"),
    "quotes": ("", '"', ""),
    "one long tag without an end": ('"', "a", ""),
    "one long tag": ('"', "a", '"'),
    "weak marks": ("", "W/", '"'),
    "weak tags without an end": ("", 'W/"', ""),
    "many tags": ("", '"a",', ""),
    "many weak tags": ("", 'W/"a" , ', ""),
    "many tags and an end that is none": ("", '"a", ', "b"),
    "tags without commas": ("", '"a" ', ""),
    "stars": ("", "*", ""),
    "a list of stars": ("", "*, ", ""),
    "stars among spaces": ("*", " ", "*"),
    "letters": ("", "\xe9", ""),
    "line ends": ("", "\n", ""),
}


@each_row(
    "value, strong, weak",
    [
        (b'"a"', "a", ""),
        (b'W/"a"', "", "a"),
        (b'"a", W/"b","c"', "ac", "b"),
        (b' \t"a"\t ,\t, ,"b"\t', "ab", ""),
        (b',,"a",,', "a", ""),
        (b"", "", ""),
        (b" ,\t, ", "", ""),
        (b'"a", "a", W/"a"', "a", "a"),
        (b'"W/a"', {"W/a"}, ""),
        (b'"a,b"', {"a,b"}, ""),
        (b'"*"', "*", ""),
        (b'"\xe9\xff"', {"\xe9\xff"}, ""),
        (b'"\\"', "\\", ""),  # there is no escape in a tag
    ],
)
def test_a_list_of_etags_is_read_with_any_space_and_empty_elements(value: bytes, strong: str, weak: str) -> None:
    assert parse_validators(value) == Validators(strong=frozenset(strong), weak=frozenset(weak))


def test_an_empty_tag_is_a_tag() -> None:
    assert parse_validators(b'""') == Validators(strong=frozenset({""}))


@pytest.mark.parametrize("value", [b"*", b" * ", b"\t*\t"])
def test_a_star_alone_is_whatever_there_is(value: bytes) -> None:
    assert parse_validators(value) == Validators(is_any=True)


@each_row(
    "value",
    [
        b"a", b'"a', b'a"', b'"a" "b"', b'"a""b"', b'"a"x', b'x"a"', b'w/"a"', b'W/ "a"', b'W "a"', b"W/a", b"W/",
        b'W/"a', b'"a b"', b'"a\tb"', b'"a\x7fb"', b'"a\x00b"', b'"a\\"b"', b"**", b"*, *", b'*, "a"', b'"a", *',
        b'"a"; "b"', b"'a'", b'"a"\n', b'\n"a"', b'"a"\x0b', b'\xa0"a"', b'\x85"a"',
    ],
)  # fmt: skip
def test_what_is_no_list_of_etags_is_none(value: bytes) -> None:
    assert parse_validators(value) is None


@given(st.lists(st.tuples(spaces, st.none() | st.tuples(st.booleans(), tags), spaces), min_size=1, max_size=8))
def test_every_list_that_the_standard_allows_is_read(elements: list[tuple[str, tuple[bool, str] | None, str]]) -> None:
    named = [one for _, one, _ in elements if one is not None]
    value = ",".join(
        left + ("" if one is None else f'{"W/" if one[0] else ""}"{one[1]}"') + right for left, one, right in elements
    )
    assert parse_validators(value.encode("latin-1")) == Validators(
        strong=frozenset(tag for is_weak, tag in named if not is_weak),
        weak=frozenset(tag for is_weak, tag in named if is_weak),
    )


@given(st.binary(max_size=40) | st.text('"W/*, \ta', max_size=20).map(str.encode))
def test_whatever_comes_is_read_or_refused(value: bytes) -> None:
    named = parse_validators(value)
    if named is not None and not named.is_any:
        assert len(named.strong) + len(named.weak) <= value.count(b'"') // 2


def measure(value: bytes) -> float:
    """Give the processor's time that parsing takes."""
    began = time.process_time()
    parse_validators(value)
    return time.process_time() - began


@each_row("shape", ADVERSARIAL)
def test_the_time_grows_with_the_length_and_no_faster(shape: str) -> None:
    head, middle, end = ADVERSARIAL[shape]

    def make(size: int) -> bytes:
        return (head + middle * (size // len(middle)) + end).encode("latin-1")

    # Of sixteen times the length, four times what linear is; quadratic is sixteen times that.
    small = max(min(measure(make(HEADER_BYTES)) for _ in range(3)), 0.0002)
    large = make(HEADER_BYTES * GROWTH)
    assert any(measure(large) < small * GROWTH * 4 for _ in range(3))  # the first, unless something came between


@pytest.mark.parametrize("engine", ["sqlite"])
@each_row("shape", ADVERSARIAL)
async def test_no_header_takes_a_servers_time(api: Api, shape: str) -> None:
    await api.acme.put_vehicle()
    head, middle, end = ADVERSARIAL[shape]
    named = (head + middle * ((HEADER_BYTES - 10) // len(middle)) + end).replace("\n", "\t")
    began = time.process_time()
    for path in (VEHICLE, STATUS, f"/api/v2/gate/{HUMMER}?operation=dispatch"):
        assert (await api.acme.get(path, If_None_Match=named)).status == 200
    assert (await api.acme.patch_status(HUMMER, 3, If_Match=named)).status in {400, 412}
    assert (await api.acme.put(VEHICLE, {}, If_Match=named)).status in {400, 412}
    assert (await api.acme.put(VEHICLE, {}, If_None_Match=named)).status == 400
    assert time.process_time() - began < 1.5
