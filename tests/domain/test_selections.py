"""The digest of a set, and what a pasted list names."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.naming_list import FaultReason, give_keys, name_vehicles, read_names
from padron.domain.selection import NO_DIGEST, Digest, SelectedVehicle
from padron.domain.status import VehicleStatus
from tests.cast import HUMMER, JEEP, make_vin

FOUND = {
    HUMMER.lower(): frozenset({1}), "rta 412": frozenset({1}), JEEP.lower(): frozenset({2}), "p-77": frozenset({3}),
    "twice": frozenset({4, 5}), "abc101d": frozenset({6}), "abc-101": frozenset({7}),
}  # fmt: skip


def make_selected(number: int) -> SelectedVehicle:
    return SelectedVehicle(
        vehicle_id=number, vin=make_vin(number), tag=f"v{number}r1t5", status=VehicleStatus.ACTIVE
    )  # fmt: skip


def digest(vehicles: list[SelectedVehicle]) -> str:
    made = Digest()
    made.add(vehicles)
    return str(made)


@given(st.lists(st.integers(1, 1_000), unique=True), st.randoms(use_true_random=False))
def test_the_digest_knows_no_order_and_forgets_what_is_taken_out(numbers: list[int], chance: random.Random) -> None:
    vehicles = [make_selected(number) for number in numbers]
    shuffled = chance.sample(vehicles, len(vehicles))
    assert digest(vehicles) == digest(shuffled)
    whole = Digest(digest([*vehicles, make_selected(2_000)]))
    whole.remove([make_selected(2_000)])
    assert str(whole) == digest(vehicles)


def test_another_revision_or_another_vehicle_gives_another_digest() -> None:
    one, two = make_selected(1), make_selected(2)
    digests = [digest([one]), digest([two]), digest([one, two]), digest([replace(one, tag="v1r2t5")]), NO_DIGEST]
    assert len(set(digests)) == len(digests)


def name(text: str) -> tuple[list[int], list[tuple[int, str, FaultReason]]]:
    named = name_vehicles(read_names(text), FOUND)
    return list(named.vehicle_ids), [(one.line, one.text, one.reason) for one in named.faults]


def test_any_separator_is_understood() -> None:
    for text in (
        f"{HUMMER}\n{JEEP}",
        f"{HUMMER},{JEEP}",
        f"{HUMMER}; {JEEP}\t",
        f"{HUMMER} {JEEP}",
        f'"{HUMMER}"|{JEEP}',
    ):
        assert name(text) == ([1, 2], []), text


def test_a_plate_with_a_space_is_one_name() -> None:
    assert name("RTA 412, p-77") == ([1, 3], [])


def test_a_plate_is_found_as_it_is_written_on_the_vehicle() -> None:
    for text in ("ABC-101-D", "abc 101 d", "ABC·101·D", "abc101d"):
        assert name(text) == ([6], []), text
        assert set(give_keys(read_names(text))) >= {"abc101d"}, text
    assert name("ABC-101") == ([7], [])  # a name as it is stands first
    assert name("abc-101 d") == ([7], [(1, "d", FaultReason.UNKNOWN)])  # a part is a name, so these are two names


def test_a_line_may_give_several_names_of_one_vehicle() -> None:
    assert name(f"{HUMMER}\tRTA 412") == ([1], [])


def test_each_fault_has_its_line_and_its_reason() -> None:
    ids, faults = name(f"{HUMMER}\nrta 412\nTWICE\nnobody\n137ZA903X1E41267O\n")
    assert ids == [1]
    assert faults == [
        (2, "rta 412", FaultReason.DUPLICATE),
        (3, "TWICE", FaultReason.AMBIGUOUS),
        (4, "nobody", FaultReason.UNKNOWN),
        (5, "137ZA903X1E41267O", FaultReason.MALFORMED),
    ]


def test_the_i_before_a_scanned_vin_does_not_count() -> None:
    assert name(f"I{HUMMER}") == ([1], [])
    assert HUMMER.lower() in give_keys(read_names(f"I{HUMMER}"))
