"""Calls a server with the client that openapi-python-client makes, and prints what came back."""

import json
import sys

from padron_api import AuthenticatedClient
from padron_api.api.administration import list_account_events
from padron_api.api.feed import list_changes
from padron_api.api.gate import check_vehicle
from padron_api.api.status import get_vehicle_status, set_vehicle_status
from padron_api.api.vehicles import list_vehicle_history, put_vehicle
from padron_api.models import HistoryShapeType, SettableStatusId, StatusBody, VehicleBody, VehicleStatusChanged

address, key, vin, unknown_vin = sys.argv[1:]

with AuthenticatedClient(base_url=address, token=key) as client:
    registered = put_vehicle.sync(vin, client=client, body=VehicleBody(plate="RTA412C"))
    put_vehicle.sync(vin, client=client, body=VehicleBody(plate="RTA413C"))
    body = StatusBody(vehicle_status_id=SettableStatusId.IN_THE_SHOP, reason="Brakes")
    set_vehicle_status.sync_detailed(vin, client=client, body=body)
    changes = [change for change in list_changes.sync(client=client).changes if change.vin == vin]
    verdict = check_vehicle.sync(vin, client=client, operation="dispatch")
    history = list_vehicle_history.sync(vin, client=client).history
    (info_changed,) = [change for change in history if change.type_ is HistoryShapeType.INFOCHANGED]
    said = {
        "operational": registered.operational,
        "types": [change.type_ for change in changes],
        "toStatusIds": [change.to_status_id for change in changes if isinstance(change, VehicleStatusChanged)],
        "allowed": verdict.allowed,
        "reason": verdict.reason,
        "formerPlate": info_changed.former["plate"],
        "acts": [(act.type_, act.details.to_dict()) for act in list_account_events.sync(client=client).events],
        "error": get_vehicle_status.sync(unknown_vin, client=client).error_detail,
    }
    json.dump(said, sys.stdout)
