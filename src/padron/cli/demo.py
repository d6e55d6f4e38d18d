"""``serve --demo``: an account with a sample fleet, a link into the console, and a call to copy and paste."""

import json
from datetime import timedelta

from padron.cli.fleet import SampleVehicle, list_fleet
from padron.cli.vehicles import give_principal
from padron.domain.account import Account, Scope
from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.people import Role, User
from padron.domain.query import VehicleQuery
from padron.domain.sessions import SIGN_IN_LINK_LASTS
from padron.domain.status import STATUS_TEXTS, VehicleStatus
from padron.domain.vin import Vin
from padron.files.columns import ImportRow
from padron.service.accounts import add_account, add_key, get_account
from padron.service.imports.importing import import_vehicles
from padron.service.people.invitations import make_sign_in_link
from padron.service.people.members import add_member
from padron.service.people.users import add_user, find_user
from padron.service.runtime import Runtime
from padron.service.statuses.single import set_status
from padron.service.vehicles.reading import get_status, list_vehicles

ACCOUNT = "demo"
KEY_LABEL = "demo"
KEY_DAYS = 7
EMAIL = "demo@example.com"  # of the person whom the link signs in
PERSON = "Demo"
STATUS = VehicleStatus.IN_THE_SHOP

_REQUEST_ID = "demo"


async def prepare_demo(runtime: Runtime, address: str) -> str:
    """Make the demo account and its fleet unless they exist, add a key, and give the text for the operator."""
    account = await _find_account(runtime)
    if not await _list_vins(runtime, account, None):
        await _add_fleet(runtime, account, list_fleet())
    scopes = [scope.value for scope in Scope]
    new = await add_key(runtime, account, label=KEY_LABEL, scopes=scopes, expires_in=timedelta(days=KEY_DAYS))
    vin = await _choose_vin(runtime, account)
    link = await make_sign_in_link(runtime, await _find_person(runtime, account))
    return _word(address, vin, new.token, link.path)


async def _find_person(runtime: Runtime, account: Account) -> User:
    """Give the account's person, who has no password and comes in by a link alone."""
    user = await find_user(runtime, EMAIL)
    if user is not None:
        return user
    user = await add_user(runtime, email=EMAIL, name=PERSON)
    await add_member(runtime, user, account.account_id, Role.OWNER)
    return user


async def _find_account(runtime: Runtime) -> Account:
    try:
        return await get_account(runtime, ACCOUNT)
    except PadronError as error:
        if error.code is not Code.ACCOUNT_NOT_FOUND:
            raise
        return await add_account(runtime, ACCOUNT)


async def _add_fleet(runtime: Runtime, account: Account, fleet: list[SampleVehicle]) -> None:
    principal = give_principal(account.account_id)
    rows = [ImportRow(line=line, cells=vehicle.cells) for line, vehicle in enumerate(fleet, start=1)]
    summary = await import_vehicles(runtime, principal, rows, request_id=_REQUEST_ID)
    if summary.counts.registered != len(fleet):
        why = summary.stopped or summary.counts
        raise PadronError(Code.STORE_UNAVAILABLE, f"The sample fleet could not be made: {why}.")
    for vehicle in fleet:
        if vehicle.status is not None:
            request = StatusRequest(
                vin=vehicle.vin,
                status=vehicle.status,
                reason=vehicle.reason,
                revisions=None,
                by=principal.actor,
                request_id=_REQUEST_ID,
            )
            await set_status(runtime, principal, request)


async def _list_vins(runtime: Runtime, account: Account, status: VehicleStatus | None) -> list[Vin]:
    query = VehicleQuery(filters={}, status=status, limit=50)
    found = await list_vehicles(runtime, give_principal(account.account_id), query, None)
    return [version.vehicle.vin for version in found.page.rows]


async def _choose_vin(runtime: Runtime, account: Account) -> Vin:
    """Give a VIN for a call that is answered with 204: of an Active vehicle if possible, and without duplicates."""
    principal = give_principal(account.account_id)
    active = await _list_vins(runtime, account, VehicleStatus.ACTIVE)
    for vin in (*active, *await _list_vins(runtime, account, None)):
        try:
            return (await get_status(runtime, principal, vin)).vin
        except PadronError:
            continue
    raise PadronError(Code.VEHICLE_NOT_FOUND, "The demo account has no vehicle for the sample call.")


def _word(address: str, vin: Vin, token: str, link: str) -> str:
    body = json.dumps({"vehicleStatusId": STATUS.value})
    call = (
        f"curl -i -X PATCH {address}/api/v2/vehicles/{vin}/status "
        f"-H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{body}'"
    )
    minutes = SIGN_IN_LINK_LASTS // timedelta(minutes=1)
    named = address.replace("//127.0.0.1", "//localhost")  # a passkey belongs to a name, never to a number
    return "\n".join(
        [
            f"Padrón serves the sample fleet of the account {ACCOUNT} at {address}",
            f"The console, by a link that works once, for {minutes} minutes: {named}{link}",
            f"How to call it: {address}/docs (for programs: {address}/openapi.json)",
            f'This call answers 204 and sets "{STATUS_TEXTS[STATUS].name}"; its key is valid {KEY_DAYS} days:',
            "",
            call,
            "",
        ]
    )
