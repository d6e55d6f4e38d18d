"""Which VINs the text of a barcode has."""

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.barcode import VINS_MAX, Barcode, ScannedVin, Symbology, find_scanned, find_vins
from padron.domain.vin import VIN_LENGTH, parse_vin
from tests.cast import HUMMER, JEEP, make_vin
from tests.domain.test_vin import REAL_VINS, vins
from tests.tables import each_row


@given(vins, st.sampled_from(["", "I", "i"]), st.sampled_from(["", " ", "\n", "\x1d"]))
def test_a_vin_is_found_with_and_without_the_mark_of_an_import(vin: str, mark: str, end: str) -> None:
    assert find_vins(f"{end}{mark}{vin}{end}") == [vin.upper()]


@each_row("vin", REAL_VINS)
def test_a_vin_is_found_among_other_fields(vin: str) -> None:
    assert find_vins(f"[)>\x1e06\x1d1P4711\x1dI{vin}\x1d6D20260131\x1e\x04") == [vin]
    assert find_vins(f"https://fleet.example/v/{vin.lower()}?from=label") == [vin]
    assert find_vins(f"VIN:{vin};PLATE:RTA412C") == [vin]


@each_row(
    "text",
    [
        "",
        "I",
        HUMMER[:-1],
        HUMMER + "1",
        f"II{HUMMER[1:]}",
        f"X{HUMMER}",
        f"{HUMMER}I",
        f"*{HUMMER[:9]}*{HUMMER[9:]}*",
        HUMMER.replace("1", "I"),  # a barcode is exact: nothing is corrected
        HUMMER.replace("1", "O"),
        "A LABEL SAYS: TRANSPARENTGAGAGA",
        "".join(chr(ord(character) + 0xFEE0) for character in HUMMER),  # full width
        HUMMER.replace("S", "\u017f") if "S" in HUMMER else "\u017f" * VIN_LENGTH,
    ],
)
def test_what_is_no_vin_is_not_taken_for_one(text: str) -> None:
    assert find_vins(text) == []


def test_a_word_of_17_letters_is_a_vin_only_alone() -> None:
    word = "SUBDEPARTMENTALLY"
    assert find_vins(word) == [word]
    assert find_vins(f"made by {word} today") == []


def test_the_vins_of_a_picture_are_given_once_and_in_their_order() -> None:
    given = [
        Barcode(text=f"I{JEEP}", symbology=Symbology.CODE_39),
        Barcode(text="Tyres 2.3 bar", symbology=Symbology.CODE_128),
        Barcode(text=f"{HUMMER} {JEEP} {HUMMER}", symbology=Symbology.QR_CODE),
    ]
    assert find_scanned(given) == [
        ScannedVin(vin=parse_vin(JEEP), symbology=Symbology.CODE_39),
        ScannedVin(vin=parse_vin(HUMMER), symbology=Symbology.QR_CODE),
    ]


def test_a_code_with_a_whole_fleet_gives_a_bounded_number() -> None:
    text = " ".join(make_vin(number) for number in range(200))
    assert len(find_scanned([Barcode(text=text, symbology=Symbology.QR_CODE)])) == VINS_MAX
