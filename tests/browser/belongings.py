"""One of each thing that an account can have, so that every page of the console shows something."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from padron.cli.demo import ACCOUNT
from padron.cli.fleet import list_fleet
from padron.cli.vehicles import give_principal
from padron.domain.account import Principal, Scope
from padron.domain.file_import import ImportState, format_import_id
from padron.domain.file_reading import ReadingOptions
from padron.domain.operation import Outcome, RunQuestion, format_claim_id, format_run_id
from padron.domain.selection import format_selection_id
from padron.domain.status import VehicleStatus
from padron.domain.webhook import Answer, EndpointKey, EventType, Filter
from padron.service.accounts import get_account
from padron.service.administration.own_keys import AskedKey, add_key
from padron.service.imports.file_imports import get_import
from padron.service.imports.kept_files import KeptFileRequest, import_kept_file
from padron.service.imports.uploads import ImportRequest, begin_upload
from padron.service.operations.claims import GivenResult, claim_work, give_results
from padron.service.operations.declaring import put_operation
from padron.service.operations.runs import start_run
from padron.service.runtime import Runtime
from padron.service.selections.making import select_matching
from padron.service.vehicles.questions import parse_question
from padron.service.webhooks import deliveries, endpoints
from padron.service.webhooks.deliveries import SendOutcome
from padron.service.webhooks.endpoints import EndpointEdits
from tests.cast import make_vin, trust, wait_until
from tests.service.repairs import keep_duplicates
from tests.service.selecting import set_one

VINS = [vehicle.vin for vehicle in list_fleet() if vehicle.status is None]
OPERATION = "brake-test"
HOLDER = "tests"
TWIN = make_vin(7_000)  # two vehicles have it
FILE = f"Chasis;Placas;Estatus;Km\n{VINS[20]};ABC-12-34;Vendido;7\n{VINS[21]};;Volando;8\nNONE;?;;9\n".encode()
MAPPING = {"Chasis": "vin", "Placas": "plate", "Estatus": "vehicleStatusId", "Km": "-"}


async def add_belongings(runtime: Runtime) -> Mapping[str, str]:
    """Give the parameters of addresses by their names. The server beside checks the imported file."""
    account = await get_account(runtime, ACCOUNT)
    principal = give_principal(account.account_id)
    await keep_duplicates(
        runtime,
        account.account_id,
        (VehicleStatus.ACTIVE, {"plate": "TWIN111", "ownerName": "Lin", "doors": 4}),
        (VehicleStatus.SOLD, {"plate": "TWIN222", "ownerName": "Lin & Co", "doors": 4}),
        vin=TWIN,
    )
    key = await add_key(runtime, principal, "r-key", AskedKey(label="A workshop", scopes=[Scope.VEHICLES_READ]))
    selection = await select_matching(runtime, principal, parse_question({"operational": ["true"]}))
    kept = await _keep_file(runtime, principal)
    return {
        "key": key.key.key_id,
        "selectionId": format_selection_id(selection.selection_id),
        "operation": OPERATION,
        "run": await _run_operation(runtime, principal),
        "file": kept,
        "import": await _check_file(runtime, principal, kept),
        **await _deliver(runtime, principal),
    }


async def _run_operation(runtime: Runtime, principal: Principal) -> str:
    """Give a run with a result, a failure, work that waits, and a vehicle that was refused."""
    await put_operation(runtime, principal, OPERATION, description="Twice a year", lease_s=600, attempts=1)
    await set_one(runtime, principal, VINS[9], VehicleStatus.STOLEN)
    report = await start_run(runtime, principal, OPERATION, RunQuestion(vins=tuple(VINS[5:10])))
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    first, second = await claim_work(runtime, principal, OPERATION, limit=2, wait_s=0, gone=gone, confirm=trust)
    results = [
        GivenResult(claim_id=format_claim_id(first.key), outcome=Outcome.SUCCEEDED, text='{"brakes": "<good>"}'),
        GivenResult(claim_id=format_claim_id(second.key), outcome=Outcome.FAILED, text='"no brakes"'),
    ]
    await give_results(runtime, principal, OPERATION, results)
    return format_run_id(report.run.run_id)


async def _keep_file(runtime: Runtime, principal: Principal) -> str:
    request = ImportRequest(request_id="r-file", file_name="flota.csv", dry_run=True)
    upload = await begin_upload(runtime, principal, request, is_kept=True)
    await upload.add(FILE)
    await upload.complete()
    return format_import_id((await upload.keep(runtime)).import_id)


async def _check_file(runtime: Runtime, principal: Principal, file_id: str) -> str:
    """Give the check of a file whose rows have faults."""
    request = KeptFileRequest(request_id="r-check", dry_run=True, options=ReadingOptions(mapping=MAPPING))
    import_id = format_import_id((await import_kept_file(runtime, principal, file_id, request)).import_id)

    async def is_checked() -> bool:
        return not (await get_import(runtime, principal, import_id)).is_open

    await wait_until(is_checked, seconds_max=30)
    checked = await get_import(runtime, principal, import_id)
    assert checked.state is ImportState.DONE, checked.detail
    return import_id


async def _deliver(runtime: Runtime, principal: Principal) -> Mapping[str, str]:
    """Give a webhook that is switched off, and its delivery that was not accepted."""
    endpoint = await endpoints.add_endpoint(
        runtime,
        principal,
        url="https://fleet.example/padron",
        description="Workshop",
        chosen=Filter(event_types=frozenset(EventType)),
    )
    key = EndpointKey(principal.account_id, endpoint.endpoint_id)
    assert await deliveries.claim_endpoint(runtime, key, HOLDER)  # before there is anything that the server might send
    await set_one(runtime, principal, VINS[11], VehicleStatus.IN_THE_SHOP)
    work = await deliveries.advance_endpoint(runtime, key, HOLDER, [], frozenset(), 10)
    assert work is not None
    answer = Answer(status=500, body="<b>out of order</b>", duration=timedelta(milliseconds=7))
    outcomes = [SendOutcome(number=one.delivery.number, at=runtime.clock(), answer=answer) for one in work.due]
    await deliveries.advance_endpoint(runtime, key, HOLDER, outcomes, frozenset(), 10)
    await endpoints.change_endpoint(runtime, principal, endpoint.endpoint_id, EndpointEdits(enabled=False))
    return {"webhook": endpoint.endpoint_id, "number": str(outcomes[0].number)}
