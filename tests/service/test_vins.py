"""What a VIN tells by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.service.vins import BadVin, VinDescription, describe_vin
from tests.cast import NOON
from tests.domain.test_vin import REAL_VINS, vins


def decode(text: str) -> VinDescription:
    described = describe_vin(text, NOON)
    assert isinstance(described, VinDescription)
    return described


@pytest.mark.parametrize(
    "vin, told",
    [
        ("1C4RJEAG2EC476429", ("North America", "United States", "Dodge", [2014, 1984])),
        ("3LNHL2GC1BR262548", ("North America", "Mexico", "Lincoln", [2011, 1981])),
        ("JN1AZ44EX9M403788", ("Asia", "Japan", "Nissan", [2009])),
        ("WVWZZZ3CZEE140287", ("Europe", "Germany", "Volkswagen", [2014, 1984])),
        ("YT9NN1U14KA007175", ("Europe", "Sweden", None, [2019, 1989])),  # a low-volume maker
        ("00000000000000000", (None, None, None, [])),  # no region begins with 0
    ],
)
def test_region_country_maker_and_years_are_told_as_far_as_the_vin_says_them(
    vin: str, told: tuple[object, ...]
) -> None:
    described = decode(vin)
    assert (described.region, described.country, described.maker, described.model_years) == told


def test_real_north_american_vins_have_no_warning() -> None:
    assert [vin for vin in REAL_VINS if decode(vin).check_digit.warning] == []


def test_a_check_digit_that_does_not_fit_warns_in_north_america_and_nowhere_else() -> None:
    mistyped = decode("1C4RJEAG2EC476420").check_digit
    assert (mistyped.fits, mistyped.is_binding) == (False, True)
    assert "is 2 and would be" in str(mistyped.warning)
    european = decode("WVWZZZ3CZEE140287").check_digit
    assert (european.fits, european.is_binding, european.warning) == (False, False, None)


def test_what_is_no_vin_tells_its_faults_and_the_vin_that_was_meant() -> None:
    described = describe_vin("1c4-rjeag2ec-476429", NOON)
    assert isinstance(described, BadVin)
    assert [fault.position for fault in described.faults] == [4, 13, None]
    assert described.likely is not None
    assert described.likely.vin == "1C4RJEAG2EC476429"
    assert described.likely.check_digit.fits


@given(vins)
def test_every_well_formed_vin_is_decoded(text: str) -> None:
    assert decode(text).vin == text.upper()


@given(st.text(max_size=60))
def test_every_text_has_an_answer(text: str) -> None:
    described = describe_vin(text, NOON)
    assert isinstance(described, VinDescription) or described.faults
