"""``padron vins``: what VINs say about a vehicle, without a database."""

from dataclasses import asdict

from cyclopts import App

from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import UsageError, print_json, print_table
from padron.service.vehicles.vins import BadVin, VinDescription, describe_vin
from padron.wiring import read_clock

vins = App(name="vins", help="Check VINs, without a database.")

_DEFAULTS = CommonOptions()


@vins.command(name="check")
def check_vins(*texts: str, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Check VINs: whether each is well-formed, which characters are wrong, and what it says about the vehicle.

    The exit status is 1 if a VIN is not well-formed. A wrong check digit is only a warning.

    Parameters
    ----------
    texts
        The texts to check.
    """
    options.read()
    if not texts:
        raise UsageError("There is no VIN: give one or more.")
    now = read_clock()
    described = [describe_vin(text, now) for text in texts]
    if json:
        print_json({"vins": [_show(one) for one in described]})
    else:
        rows = [_give_row(one) for one in described]
        print_table(("VIN", "Country", "Maker", "Model year", "Remark"), rows, "")
    return 1 if any(isinstance(one, BadVin) for one in described) else 0


def _give_row(one: VinDescription | BadVin) -> tuple[str, ...]:
    if isinstance(one, BadVin):
        likely = "" if one.likely is None else f" Perhaps {one.likely.vin}."
        return one.text, "", "", "", " ".join(fault.detail for fault in one.faults) + likely
    years = " or ".join(str(year) for year in one.model_years)
    return one.vin, one.country or one.region or "", one.maker, years, one.check_digit.warning or ""


def _show(one: VinDescription | BadVin) -> dict[str, object]:
    if isinstance(one, BadVin):
        return {
            "vin": one.text,
            "wellFormed": False,
            "faults": [asdict(fault) for fault in one.faults],
            "likely": None if one.likely is None else one.likely.vin,
        }
    digit = one.check_digit
    return {
        "vin": one.vin,
        "wellFormed": True,
        "checkDigit": {"given": digit.given, "expected": digit.expected, "binding": digit.is_binding},
        "warning": digit.warning,
        "region": one.region,
        "country": one.country,
        "maker": one.maker,
        "modelYears": one.model_years,
    }
