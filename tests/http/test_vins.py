"""GET /api/v2/vins/{vin}."""

from urllib.parse import quote

import pytest

from tests.http.api import Api
from tests.tables import each_row

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])  # no database is asked


@on_sqlite
async def test_a_vin_tells_its_maker_and_years_whoever_owns_it(api: Api) -> None:
    for client in (api.acme, api.beta, api.gamma):
        reply = await client.get("/api/v2/vins/3lnhl2gc1br262548")
        assert reply.status == 200
        assert reply.body == {
            "vin": "3LNHL2GC1BR262548",
            "wellFormed": True,
            "details": {
                "vin": "3LNHL2GC1BR262548",
                "checkDigit": {"given": "1", "expected": "1", "fits": True, "binding": True},
                "wmi": "3LN",
                "modelYears": [2011, 1981],
                "region": "North America",
                "country": "Mexico",
                "maker": "Lincoln",
            },
        }


@on_sqlite
async def test_a_bad_vin_is_told_what_is_wrong_where_and_which_was_meant(api: Api) -> None:
    reply = await api.acme.get("/api/v2/vins/3LNHL2GCIBR262548")
    assert (reply.status, reply.body["wellFormed"]) == (200, False)
    assert "details" not in reply.body
    (fault,) = reply.body["faults"]
    assert (fault["position"], fault["likely"]) == (9, "1")
    assert "character 9 is 'I'" in fault["detail"]
    assert reply.body["likely"]["vin"] == "3LNHL2GC1BR262548"
    assert reply.body["likely"]["checkDigit"]["fits"] is True


@on_sqlite
async def test_a_check_digit_that_does_not_fit_is_a_warning(api: Api) -> None:
    digit = (await api.acme.get("/api/v2/vins/3LNHL2GC2BR262548")).body["details"]["checkDigit"]
    assert (digit["given"], digit["expected"], digit["fits"], digit["binding"]) == ("2", "1", False, True)
    assert "character 9" in digit["warning"]


@on_sqlite
@each_row("text", ["\u017f" * 17, "\uff11", "\0", "a b", "'; --", "\U0001f697", "%", "x" * 1_500])
async def test_any_text_has_an_answer(api: Api, text: str) -> None:
    reply = await api.acme.get(f"/api/v2/vins/{quote(text, safe='')}")
    assert (reply.status, reply.body["wellFormed"]) == (200, False)
    assert reply.body["vin"] == text[:100]
    assert len(reply.content) < 10_000


@on_sqlite
async def test_bytes_that_are_no_text_have_an_answer(api: Api) -> None:
    assert (await api.acme.get("/api/v2/vins/%ff%fe")).status == 200


@on_sqlite
async def test_a_key_is_needed(api: Api) -> None:
    assert (await api.nobody.get("/api/v2/vins/3LNHL2GC1BR262548")).code == (401, "Unauthorized")


@on_sqlite
async def test_the_refusal_of_a_bad_vin_names_the_one_that_was_meant(api: Api) -> None:
    reply = await api.acme.get("/api/v2/vehicles/3LNHL2GCIBR262548")
    assert reply.code == (400, "BadParameters")
    assert "character 9 is 'I': a VIN has no letter I; digit 1?" in reply.detail
    assert "Perhaps 3LNHL2GC1BR262548, whose check digit fits." in reply.detail
