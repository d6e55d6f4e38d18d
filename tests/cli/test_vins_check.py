"""``padron vins check``."""

from pathlib import Path

from tests.cli.conftest import Cli, check_sentence


def test_good_and_bad_vins_are_told_apart_and_no_database_is_made(cli: Cli, tmp_path: Path) -> None:
    answer = cli("vins", "check", "3LNHL2GC1BR262548", "3LNHL2GCIBR262548", "1FA6P8TH8F1234567")
    assert answer.status == 1
    good, bad, mistyped = answer.out.splitlines()[1:]
    assert "Mexico" in good
    assert "Lincoln" in good
    assert "2011 or 1981" in good
    assert "character 9 is 'I'" in bad
    assert "Perhaps 3LNHL2GC1BR262548." in bad
    assert "is 8, but 5 is expected" in mistyped
    assert list(tmp_path.iterdir()) == []


def test_a_check_digit_that_does_not_fit_is_no_refusal(cli: Cli) -> None:
    answer = cli("vins", "check", "1FA6P8TH8F1234567", "--json")
    assert answer.status == 0
    (vin,) = answer.document["vins"]
    assert vin["checkDigit"] == {"given": "8", "expected": "5", "binding": True}
    assert vin["wellFormed"] is True
    assert "mistyped" in vin["warning"]


def test_a_bad_vin_as_json(cli: Cli) -> None:
    answer = cli("vins", "check", "O123", "--json")
    assert answer.status == 1
    (vin,) = answer.document["vins"]
    assert (vin["wellFormed"], vin["likely"]) == (False, None)
    assert [fault["position"] for fault in vin["faults"]] == [1, None]


def test_no_vin_at_all_is_wrong_usage(cli: Cli) -> None:
    check_sentence(cli("vins", "check"), 2, "There is no VIN")
