"""Calls a server with the client that OpenAPI Generator makes for Python, and prints what came back."""

import json
import sys

from openapi_client import (
    AdministrationApi,
    ApiClient,
    Configuration,
    FeedApi,
    GateApi,
    SettableStatusId,
    StatusApi,
    StatusBody,
    VehicleBody,
    VehiclesApi,
    VehicleStatusChanged,
)
from openapi_client.exceptions import NotFoundException

address, key, vin, unknown_vin = sys.argv[1:]

with ApiClient(Configuration(host=address, access_token=key)) as client:
    registered = VehiclesApi(client).put_vehicle(vin, VehicleBody(plate="RTA412C"))
    VehiclesApi(client).put_vehicle(vin, VehicleBody(plate="RTA413C"))
    StatusApi(client).set_vehicle_status(
        vin, StatusBody(vehicle_status_id=SettableStatusId.IN_THE_SHOP, reason="Brakes")
    )
    changes = [
        change.actual_instance for change in FeedApi(client).list_changes().changes if change.actual_instance.vin == vin
    ]
    verdict = GateApi(client).check_vehicle(vin, "dispatch")
    history = VehiclesApi(client).list_vehicle_history(vin).history
    (info_changed,) = [change for change in history if change.type == "infoChanged"]
    acts = AdministrationApi(client).list_account_events().events
    try:
        StatusApi(client).get_vehicle_status(unknown_vin)
    except NotFoundException as error:
        problem = json.loads(error.body)
    said = {
        "operational": registered.operational,
        "types": [change.type for change in changes],
        "toStatusIds": [change.to_status_id for change in changes if isinstance(change, VehicleStatusChanged)],
        "allowed": verdict.allowed,
        "reason": verdict.reason,
        "formerPlate": info_changed.former["plate"].actual_instance,
        "acts": [(act.type, act.details) for act in acts],
        "error": problem["errorDetail"],
    }
    json.dump(said, sys.stdout)
