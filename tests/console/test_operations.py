"""Operations in the console: declared, run for chosen vehicles, watched, cancelled and deleted."""

import asyncio

import pytest

from padron.domain.account import Scope
from padron.domain.change import StatusRequest
from padron.domain.operation import Outcome, RunState, format_claim_id, give_run_state
from padron.domain.people import Role
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.administration.own_keys import AskedKey, add_key
from padron.service.operations.claims import GivenResult, claim_work, give_results
from padron.service.operations.declaring import list_operations, put_operation
from padron.service.operations.runs import get_run, list_runs
from padron.service.people.sessions import sign_in_with_key
from padron.service.statuses.single import set_status
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, trust
from tests.console.browser import Browser, House
from tests.console.conftest import VISITOR

EVIL = "<script>alert(1)</script>'\"&amp;"
NEW = {"name": "brake-test", "description": EVIL, "lease": "60", "attempts": "2"}
PATH = "/console/operations/brake-test"


async def declare(house: House) -> None:
    await put_operation(
        house.runtime, house.cast.acme.principal, "brake-test", description=EVIL, lease_s=60, attempts=2
    )  # fmt: skip


async def start(house: House, **fields: str) -> str:
    """Start a run in the console, and give its address."""
    shown = await house.browsers[Role.MANAGER].post(f"{PATH}/runs", fields)
    assert shown.status == 303, shown.text
    return shown.location


async def sell(house: House, vin: Vin) -> None:
    principal = house.cast.acme.principal
    request = StatusRequest(
        vin=vin, status=VehicleStatus.SOLD, reason=None, revisions=None, by=principal.actor, request_id="r-sell"
    )
    await set_status(house.runtime, principal, request)


async def test_an_operation_is_declared_and_changed_but_never_taken_over(house: House) -> None:
    manager = house.browsers[Role.MANAGER]
    assert "There is no operation yet" in (await manager.get("/console/operations")).text
    shown = await manager.follow(await manager.post("/console/new-operation", NEW))
    assert "The operation is declared" in shown.text
    assert EVIL in " ".join(shown.page.words)
    assert len(shown.page.list_all("script")) == 1
    again = await manager.post("/console/new-operation", {**NEW, "description": "Other"})
    assert again.status == 400
    assert "already" in again.text
    changed = await manager.follow(await manager.post(PATH, {**NEW, "description": "Other", "lease": "90"}))
    assert "The operation is changed" in changed.text
    (operation,) = await list_operations(house.runtime, house.cast.acme.principal)
    assert (operation.description, operation.lease_s, operation.attempts_max) == ("Other", 90, 2)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"name": "Brake Test"}, "Brake Test"),
        ({"name": ""}, "name"),
        ({"lease": "soon"}, "soon"),
        ({"lease": "0"}, "leaseSeconds"),
        ({"attempts": "1000"}, "attempts"),
        ({"attempts": "٣"}, "٣"),
        ({"attempts": "9" * 30}, "999"),
    ],
)
async def test_a_form_that_is_refused_keeps_what_was_typed(house: House, wrong: dict[str, str], said: str) -> None:
    fields = {**NEW, **wrong}
    shown = await house.owner.post("/console/new-operation", fields)
    assert shown.status == 400
    assert said in shown.text
    for name in ("name", "lease", "attempts"):
        assert shown.page.list_all("input", name=name)[0].attributes["value"] == fields[name]
    assert "".join(shown.page.list_all("textarea", name="description")[0].text) == EVIL
    assert not await list_operations(house.runtime, house.cast.acme.principal)
    if "name" not in wrong:
        await declare(house)
        assert (await house.owner.post(PATH, fields)).status == 400


@pytest.mark.both_engines
async def test_a_run_takes_the_active_ones_and_says_why_it_left_out_the_others(house: House) -> None:
    await declare(house)
    await house.register(HUMMER)
    await house.register(JEEP)
    await sell(house, JEEP)
    place = await start(house, which="vins", vins=f" {HUMMER.lower()},{JEEP}\r\n{UNKNOWN_VIN} ")
    shown = await house.owner.get(place)
    assert "Under way" in shown.text
    assert "It is not active" in shown.text
    assert "Sold" in shown.text
    assert "No vehicle has this VIN" in shown.text
    listed = await house.owner.get(PATH)
    assert listed.page.list_all("a", href=place)
    assert "The manager" in shown.text


@pytest.mark.parametrize("which", ["all", "status"])
async def test_a_run_for_many_takes_only_those_that_can_be_worked_on(house: House, which: str) -> None:
    await declare(house)
    await house.register(HUMMER)
    await house.register(JEEP)
    await sell(house, JEEP)
    await start(house, which=which, status=str(VehicleStatus.ACTIVE.value))
    (run,) = (await list_runs(house.runtime, house.cast.acme.principal, "brake-test", limit=5, cursor=None)).rows
    assert run.queued_count == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"which": "some"},
        {"which": "vins", "vins": " "},
        {"which": "vins", "vins": "no vin"},
        {"which": "status", "status": "6"},
        {"which": "status", "status": "x"},
    ],
)
async def test_a_run_for_nothing_is_refused_and_what_was_typed_is_kept(house: House, fields: dict[str, str]) -> None:
    await declare(house)
    shown = await house.owner.post(f"{PATH}/runs", fields)
    assert shown.status == 400
    assert "".join(shown.page.list_all("textarea", name="vins")[0].text).strip() == fields.get("vins", "").strip()
    assert not (await list_runs(house.runtime, house.cast.acme.principal, "brake-test", limit=5, cursor=None)).rows


@pytest.mark.both_engines
async def test_results_are_shown_as_text(house: House) -> None:
    await declare(house)
    await house.register(HUMMER)
    place = await start(house, which="all")
    principal, gone = house.cast.acme.principal, asyncio.get_running_loop().create_future()
    (work,) = await claim_work(
        house.runtime, principal, "brake-test", limit=5, wait_s=0, gone=gone, confirm=trust
    )  # fmt: skip
    given = GivenResult(claim_id=format_claim_id(work.key), outcome=Outcome.SUCCEEDED, text=f'"{EVIL[:20]}"')
    await give_results(house.runtime, principal, "brake-test", [given])
    shown = await house.owner.get(place)
    assert "Finished" in shown.text
    assert "Succeeded" in shown.text
    assert EVIL[:20] in " ".join("".join(pre.text) for pre in shown.page.list_all("pre"))
    assert len(shown.page.list_all("script")) == 1
    assert not shown.page.list_all("form", action=f"{place}/cancel")
    assert (await house.owner.post(f"{place}/cancel")).status == 409


async def test_a_cancelled_run_hands_out_nothing_more(house: House) -> None:
    await declare(house)
    await house.register(HUMMER)
    place = await start(house, which="all")
    shown = await house.owner.follow(await house.owner.post(f"{place}/cancel"))
    assert "The run is cancelled" in shown.text
    assert "The owner" in shown.text
    principal = house.cast.acme.principal
    report = await get_run(house.runtime, principal, "brake-test", place.rpartition("/")[2])
    assert give_run_state(report.run, report.counts) is RunState.CANCELLED
    gone = asyncio.get_running_loop().create_future()
    assert not await claim_work(
        house.runtime, principal, "brake-test", limit=5, wait_s=0, gone=gone, confirm=trust
    )  # fmt: skip


async def test_a_deleted_operation_is_gone_and_its_runs_are_cancelled(house: House) -> None:
    await declare(house)
    await house.register(HUMMER)
    await start(house, which="all")
    shown = await house.owner.follow(await house.owner.post(f"{PATH}/delete"))
    assert "The operation is deleted" in shown.text
    assert (await house.owner.get(PATH)).status == 404
    assert not await list_operations(house.runtime, house.cast.acme.principal)


async def test_a_key_that_only_runs_sees_no_button_that_would_be_refused(house: House) -> None:
    await declare(house)
    asked = AskedKey(label="worker", scopes=[Scope.OPERATIONS_RUN])
    key = await add_key(house.runtime, house.cast.acme.principal, "r", asked)
    browser = Browser(house.http, (await sign_in_with_key(house.runtime, key.token, VISITOR)).token)
    listed, shown = await browser.get("/console/operations"), await browser.get(PATH)
    assert "/console/new-operation" not in listed.html
    assert shown.page.list_all("form", action=f"{PATH}/runs")
    assert not shown.page.list_all("form", action=PATH)
    assert not shown.page.list_all("form", action=f"{PATH}/delete")
    assert (await browser.post(f"{PATH}/delete")).status == 403


async def test_another_accounts_operation_cannot_be_told_from_none(house: House) -> None:
    await declare(house)
    await house.register(HUMMER)
    place = await start(house, which="all")
    for path in (PATH, place, "/console/operations/none", "/console/operations/B%20%00", f"{PATH}/runs/x"):
        assert (await house.stranger.get(path)).status == 404
    for act in (PATH, f"{PATH}/delete", f"{PATH}/runs", f"{place}/cancel"):
        assert (await house.stranger.post(act, {**NEW, "which": "all"})).status == 404
    for run in ("x", "0" * 16):
        assert (await house.owner.get(f"{PATH}/runs/{run}")).status == 404
        assert (await house.owner.post(f"{PATH}/runs/{run}/cancel")).status == 404
    assert not await list_operations(house.runtime, house.cast.beta.principal)
