"""What a VIN tells by itself."""

from hypothesis import given
from hypothesis import strategies as st

from padron.service.vehicles import makers
from padron.service.vehicles.vins import BadVin, VinDescription, describe_vin
from tests.cast import NOON
from tests.domain.test_vin import REAL_VINS, vins
from tests.tables import each_row


def decode(text: str) -> VinDescription:
    described = describe_vin(text, NOON)
    assert isinstance(described, VinDescription)
    return described


@each_row(
    "vin, told",
    [
        ("1C4RJEAG2EC476429", ("North America", "United States", "FCA US LLC", [2014, 1984])),
        ("3LNHL2GC1BR262548", ("North America", "Mexico", "Lincoln", [2011, 1981])),
        ("JN1AZ44EX9M403788", ("Asia", "Japan", "Nissan", [2009])),
        ("WVWZZZ3CZEE140287", ("Europe", "Germany", "Volkswagen", [2014, 1984])),
        ("YT9NN1U14KA007175", ("Europe", "Sweden", "Koenigsegg", [2019, 1989])),  # by six characters
        ("4DRBUC8N6GB212345", ("North America", "United States", "IC BUS, LLC", [2016, 1986])),
        ("1UYVS2533K7512345", ("North America", "United States", "Utility Trailer Manufacturer", [2019, 1989])),
        ("1NPXGGGG2GD012345", ("North America", "United States", "Peterbilt", [2016, 1986])),
        ("3AKJHHDR5NS012345", ("North America", "Mexico", "Freightliner", [2022, 1992])),
        ("1FUJGLDR5CLBP8834", ("North America", "United States", "Freightliner", [2012, 1982])),
        ("1HD1KED1XGB612345", ("North America", "United States", "HARLEY-DAVIDSON MOTOR COMPANY", [2016, 1986])),
        ("1M8PDMBA0GP012345", ("North America", "United States", "Motor Coach Industries", [2016, 1986])),
        ("2FTCF15F2ECA55516", ("North America", "Canada", "Ford", [1984, 2014])),  # a light truck
        ("5TEUU42N06Z123456", ("North America", "United States", "Toyota", [2006])),
        ("1NZXGGGG2GD012345", ("North America", "United States", "unknown", [2016, 1986])),  # 1N is not Nissan's alone
        ("3AZJHHDR0NS012345", ("North America", "Mexico", "unknown", [2022, 1992])),
        ("1J9BBBBB0GA000456", ("North America", "United States", "unknown", [2016, 1986])),
        ("00000000000000000", (None, None, "unknown", [])),  # no region begins with 0
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
    assert "(character 9) is 2, but 6 is expected" in str(mistyped.warning)
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


@each_row(
    "vin, binds",
    [
        ("7SAYGDEE1NF123450", True), ("7FCTGAAA0NN000000", True), ("70AAAAAA0AA000000", True),
        ("7A8AAAAA0AA000000", False), ("7E1AAAAA0AA000000", False), ("LSVAA49J232047371", True),
        ("L6TAAAAA0AA000000", True),
        ("KMHAAAAA0AA000000", False), ("6FPAAAAA0AA000000", False), ("93YAAAAA0AA000000", False),
    ],
)  # fmt: skip
def test_the_check_digit_binds_in_china_and_wherever_a_vin_of_the_united_states_begins(vin: str, binds: bool) -> None:  # noqa: FBT001
    digit = decode(vin).check_digit
    assert digit.is_binding is binds
    assert (digit.warning is not None) is (binds and not digit.fits)


def test_the_table_of_makers_is_whole() -> None:
    table = makers._read_table()
    assert len(table) > 12_000
    assert all(len(wmi) in {3, 6} and wmi.isascii() and wmi == wmi.upper() and one.name for wmi, one in table.items())
    assert sum(one.is_light for one in table.values()) > 500


def test_makers_of_a_low_volume_are_told_apart_by_six_characters() -> None:
    wmi = next(wmi for wmi in makers._read_table() if len(wmi) == 6 and wmi[2] == "9")
    assert decode(f"{wmi[:3]}AAAAA0GA{wmi[3:]}123").maker == makers._read_table()[wmi].name
    assert decode(f"{wmi[:3]}AAAAA0GA000123").maker == "unknown"
