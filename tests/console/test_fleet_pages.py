"""Planned changes of the fleet, the gate for people, and its refusals."""

from datetime import timedelta

import pytest

from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.status import VehicleStatus
from padron.domain.vin import parse_vin
from padron.service.operations.gate import check_vehicles
from padron.service.plans.planning import plan_status
from padron.service.statuses.single import set_status
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin
from tests.console.browser import House

PLANS, GATE, REFUSALS = "/console/plans", "/console/gate", "/console/gate/refusals"


async def set_now(house: House, vin: str, status: int, reason: str | None = None) -> None:
    principal = house.cast.acme.principal
    asked = StatusRequest(
        vin=parse_vin(vin), status=VehicleStatus(status), reason=reason, revisions=None, by=principal.actor,
        request_id=f"r-{vin}-{status}",
    )  # fmt: skip
    await set_status(house.runtime, principal, asked)


async def plan(house: House, vin: str, days: int) -> None:
    principal = house.cast.acme.principal
    asked = PlanRequest(
        vin=parse_vin(vin), status=VehicleStatus.SOLD, reason=f"In {days} days", revisions=None, by=principal.actor,
        request_id=f"r-{vin}", effective_at=house.runtime.clock() + timedelta(days=days), until=None,
    )  # fmt: skip
    await plan_status(house.runtime, principal, asked)


@pytest.mark.both_engines
async def test_a_pending_plan_is_cancelled_from_the_list_and_then_in_another_one(house: House) -> None:
    await house.register(HUMMER)
    await plan(house, HUMMER, 3)
    shown = await house.editor.get(PLANS)
    (button,) = shown.page.list_all("button", name="plan")
    viewer = await house.viewer.get(PLANS)
    assert HUMMER in viewer.text
    assert not viewer.page.list_all("button", name="plan")
    done = await house.editor.follow(await house.editor.post(PLANS, {"plan": button.attributes["value"]}))
    assert f"The planned change of {HUMMER} is cancelled." in done.text
    assert "Nothing is planned." in done.text
    assert HUMMER in (await house.viewer.get(f"{PLANS}?state=cancelled")).text
    again = await house.editor.post(PLANS, {"plan": button.attributes["value"]})
    assert again.status == 409
    assert "could not be cancelled" in again.text
    told = await house.viewer.get(f"{PLANS}?done={button.attributes['value']}")
    assert "is cancelled." not in told.text  # another person did it
    assert "is cancelled." not in (await house.stranger.get(f"{PLANS}?done={button.attributes['value']}")).text


async def test_plans_are_shown_soonest_first_and_in_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.console.pages.fleet.plans.ROWS", 2)
    vins = [make_vin(number) for number in range(5)]
    for days, vin in zip((5, 2, 9, 1, 4), vins, strict=True):
        await house.register(vin)
        await plan(house, vin, days)
    shown, seen = await house.viewer.get(PLANS), []
    while True:
        seen += [link.text[0] for link in shown.page.list_all("a", **{"class": "vin"})]
        following = shown.page.list_all("a", rel="next")
        if not following:
            break
        shown = await house.viewer.get(following[0].attributes["href"])
    assert seen == [vins[place] for place in (3, 1, 4, 0, 2)]


@pytest.mark.both_engines
async def test_the_gate_answers_with_the_reason_and_since_when(house: House) -> None:
    await house.register(HUMMER, plate="RTA412C")
    await house.register(JEEP, plate="JJJ1")
    await set_now(house, JEEP, 4, "Brakes <i>")
    typed = f"rta412c\n{JEEP}, {UNKNOWN_VIN}; <b>nothing</b>"
    shown = await house.viewer.post(GATE, {"vehicles": typed, "operation": "dispatch"})
    assert shown.status == 200
    answers = [" ".join(one.text).split() for one in shown.page.list_all("article")]
    assert [answer[0] for answer in answers] == ["Yes,", "No", "No", "Unknown"]
    assert HUMMER in answers[0]
    assert "In the Shop since" in " ".join(answers[1])
    assert "Brakes <i>" in " ".join(answers[1])
    assert "There is no vehicle with this VIN." in " ".join(answers[2])
    assert "<b>nothing</b>" in " ".join(answers[3])
    assert "<b>nothing" not in shown.html
    assert shown.page.list_all("textarea", name="vehicles")[0].text == [typed]
    listed = await house.viewer.get(REFUSALS)
    assert JEEP in listed.text
    assert UNKNOWN_VIN in listed.text
    assert HUMMER not in listed.text


async def test_the_gate_knows_a_plate_as_it_is_on_the_vehicle_and_a_unit_number(house: House) -> None:
    await house.register(HUMMER, plate="RTA412C", customId="U-007")
    await house.register(JEEP, plate="JJJ1234", customId="U-008")
    for typed, vin in (("RTA-412-C", HUMMER), ("rta 412 c", HUMMER), ("u-008", JEEP), ("U-009", None)):
        shown = await house.viewer.post(GATE, {"vehicles": typed, "operation": "dispatch"})
        (answer,) = shown.page.list_all("article")
        words = " ".join(" ".join(answer.text).split())
        assert words.startswith("Unknown" if vin is None else "Yes, it may")
        assert (vin or "Check the spelling") in words
        assert typed in words


@pytest.mark.parametrize("vehicles, said", [("", "Type a VIN"), (" , ;\n", "Type a VIN"), ("x\n" * 3, ""), ("", "")])
async def test_a_question_about_nothing_is_explained(house: House, vehicles: str, said: str) -> None:
    shown = await house.viewer.post(GATE, {"vehicles": vehicles, "operation": "dispatch"})
    assert said in shown.text
    assert shown.status == (400 if said or not vehicles.strip() else 200)


async def test_too_many_vehicles_and_a_bad_name_of_the_operation_keep_what_was_typed(house: House) -> None:
    many = "\n".join(f"X{number}" for number in range(101))
    for fields in ({"vehicles": many, "operation": "dispatch"}, {"vehicles": "X", "operation": "bell \x07"}):
        shown = await house.viewer.post(GATE, fields)
        assert shown.status == 400
        assert shown.page.list_all("textarea", name="vehicles")[0].text == [fields["vehicles"]]


async def test_a_stranger_is_told_that_there_is_no_such_vehicle(house: House) -> None:
    await house.register(HUMMER, plate="RTA412C")
    shown = await house.stranger.post(GATE, {"vehicles": f"{HUMMER}\nRTA412C", "operation": "dispatch"})
    assert "Yes, it may" not in shown.text


@pytest.mark.both_engines
async def test_refusals_are_found_by_vin_and_operation(house: House) -> None:
    for vin in (HUMMER, JEEP):
        await house.register(vin)
        await set_now(house, vin, 8)
        await check_vehicles(house.runtime, house.cast.acme.principal, f"fines-{vin[:3]}", [vin])
    for query, has_jeep in (("", True), (f"?vin={HUMMER}", False), (f"?operation=fines-{JEEP[:3]}", True)):
        assert (JEEP in (await house.viewer.get(REFUSALS + query)).page.text) is has_jeep, query
    wrong = await house.viewer.get(f"{REFUSALS}?vin=zz")
    assert "cannot be used" in wrong.text
    assert wrong.page.list_all("input", name="vin")[0].attributes["value"] == "zz"
    assert "Nothing was refused." in (await house.stranger.get(REFUSALS)).text
