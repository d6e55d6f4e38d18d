"""A vehicle's tag: what it names, that nothing else ever has it, and what is said when it does not fit."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.gate import judge
from padron.domain.status import VehicleStatus
from padron.domain.tags import TAG_EXAMPLE, TAG_PATTERN, Tag, describe_mismatch, format_tag, is_plain_number, parse_tag
from padron.domain.vehicle import Vehicle
from padron.files.defusing import defuse_text
from tests.cast import HUMMER, JEEP, NOON, after, make_vehicle, make_vin
from tests.tables import each_row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
numbers = st.integers(1, 2**53)
instants = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def make(vehicle_id: int = 12, revision: int = 7, at: datetime = NOON, vin: str = HUMMER) -> Vehicle:
    return replace(make_vehicle(vin, vehicle_id=vehicle_id), revision=revision, updated_at=at)


@given(numbers, numbers, instants)
def test_a_tag_says_which_vehicle_which_revision_and_since_when(vehicle_id: int, revision: int, at: datetime) -> None:
    tag = format_tag(make(vehicle_id, revision, at))
    stamp = (at - EPOCH) // timedelta(microseconds=1)
    assert parse_tag(tag) == Tag(vehicle_id=vehicle_id, revision=revision, stamp=stamp)
    assert re.search(TAG_PATTERN, tag)
    assert not is_plain_number(tag)


@given(instants, instants)
def test_a_tag_says_what_happened_after_its_state(at: datetime, other: datetime) -> None:
    tag = parse_tag(format_tag(make(at=at)))
    assert tag is not None
    assert tag.is_before(other) == (at < other)
    assert not Tag(vehicle_id=1, revision=1, stamp=2**64 - 1).is_before(other)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(0, 20)), min_size=2, unique=True))
def test_no_two_states_share_a_tag(states: list[tuple[int, int, int]]) -> None:
    tags = {
        format_tag(make(vehicle_id, revision, NOON + timedelta(microseconds=step)))
        for vehicle_id, revision, step in states
    }
    assert len(tags) == len(states)


def test_a_tag_is_the_same_whatever_is_not_part_of_the_state_it_names() -> None:
    shifted = NOON.astimezone(datetime.fromisoformat("2026-01-01T00:00:00-06:00").tzinfo)
    assert format_tag(make(at=shifted)) == format_tag(make()) == format_tag(replace(make(), slot=2))


def test_a_tag_needs_no_quotes_and_no_program_takes_it_for_a_number_or_a_formula() -> None:
    assert re.fullmatch("[a-z][a-z0-9]+", format_tag(make()))
    assert defuse_text(format_tag(make())) == format_tag(make())
    assert parse_tag(TAG_EXAMPLE) is not None


@each_row(
    "text",
    [
        "", "7", "v1", "v1r1", "v1r1t", "r1v1t1", "V1r1t1", "v1R1t1", "v1r1tF", "v0r1t1", "v1r0t1", "v01r1t1",
        "v1r01t1", "v1r1t1 ", " v1r1t1", "v1r1t1\n", '"v1r1t1"', "v-1r1t1", "v1r1t1g", "v\u0661r1t1",
        f"v{'1' * 19}r1t1", f"v1r1t{'1' * 17}", "allowed-v1r1t1",
    ],
)  # fmt: skip
def test_what_is_nearly_a_tag_is_none(text: str) -> None:
    assert parse_tag(text) is None


@each_row(
    "asked, said",
    [
        ({"7"}, f"A revision must be a tag such as {TAG_EXAMPLE}; a plain number matches no vehicle."),
        ({format_tag(make(13))}, f"belongs to a different vehicle, not to the one that now has the VIN {HUMMER}."),
        ({format_tag(make(revision=5))}, f"The vehicle {HUMMER} is at revision 7, not 5."),
        ({format_tag(make(at=after(1)))}, "another register, or from the time before a backup was restored."),
        ({"x"}, f"The vehicle {HUMMER} is at revision 7, but the request names other revisions."),
        ({"v1r1t1", "v2r2t2"}, "but the request names other revisions"),
    ],
)  # fmt: skip
def test_a_tag_that_does_not_fit_is_explained_in_one_sentence(asked: set[str], said: str) -> None:
    sentence = describe_mismatch(make(), asked)
    assert said in sentence
    assert sentence.endswith(".")
    assert ". " not in sentence


def test_the_gates_tag_names_the_verdict_and_what_it_rests_on() -> None:
    allowed = judge(HUMMER, [make()])
    sold = judge(HUMMER, [replace(make(), status=VehicleStatus.SOLD)])
    assert allowed.tag == f"allowed-{format_tag(make())}"
    assert sold.tag == f"notActive-{format_tag(make())}"
    assert judge(HUMMER, []).tag == f"unknown-{HUMMER}"
    assert judge(JEEP, []).tag == f"unknown-{JEEP}"


def test_the_gates_tag_of_several_vehicles_changes_with_each_of_them_but_not_with_their_order() -> None:
    first, second, third = make(1), make(2), make(3)
    tags = [
        judge(HUMMER, several).tag
        for several in (
            [first, second], [first, third], [first, second, third], [first, replace(second, revision=8)],
            [first, replace(second, updated_at=after(1))],
        )
    ]  # fmt: skip
    assert len({*tags}) == len(tags)
    assert all(re.fullmatch("several-[0-9a-f]{32}", tag) for tag in tags)
    assert judge(HUMMER, [second, first]).tag == tags[0]


@given(st.sampled_from(VehicleStatus), numbers, numbers)
def test_the_gates_tags_have_the_form_that_the_api_declares(
    status: VehicleStatus, vehicle_id: int, revision: int
) -> None:
    vehicle = replace(make(vehicle_id, revision), status=status)
    for current in ([vehicle], [], [vehicle, vehicle]):
        tag = judge(make_vin(1), current).tag
        assert re.fullmatch("(allowed|notActive|unknown|several)-[0-9A-Za-z]{1,54}", tag)
