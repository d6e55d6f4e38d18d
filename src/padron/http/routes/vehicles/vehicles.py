"""Registering, updating, reading and listing vehicles, and a vehicle's history."""

from msgspec import UNSET

from padron.domain.account import Scope
from padron.domain.change import NoRevisionNamedError
from padron.domain.errors import Code, PadronError
from padron.domain.tags import format_tag
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME, INTEGER_MAX, UPSERT_LENGTH_MAX, parse_plate, parse_value
from padron.domain.vin import parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.places import Kind
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.requests.conditions import (
    format_etag,
    give_condition,
    is_unchanged,
    parse_if_match,
    read_seen,
    refuse_weak,
)
from padron.http.shapes.vehicles import (
    HistoryList,
    UpsertBody,
    UpsertedInfo,
    UpsertedVehicle,
    VehicleBody,
    VehicleList,
    VehicleShape,
    name_attribute,
    shape_history_entry,
    shape_vehicle,
)
from padron.service.actors import name_actors
from padron.service.vehicles import reading, registration
from padron.service.vehicles.registration import Registration

_UPSERT_FIELDS = tuple(FIELDS_BY_NAME[name] for name in ("ownerName", "engineNumber", "taxIdentifier", "legalName"))


async def upsert_vehicle_info(call: Call) -> Reply:
    """PUT /api/upsert-vehicle-info."""
    given = (await read_json(call, UpsertBody)).vehicle_info
    vin = parse_vin(given.vin)
    edits: dict[str, str | int | None] = {"plate": parse_plate(given.plate)}
    for field in _UPSERT_FIELDS:
        value = getattr(given, name_attribute(field))
        if value is not UNSET:
            edits[field.name] = parse_value(field, value, UPSERT_LENGTH_MAX)
    asked = Registration(
        vin=vin,
        edits=edits,
        request_id=call.request_id,
        condition=give_condition(call),
        revisions=parse_if_match(call),
    )
    try:
        registered = await registration.upsert_vehicle_info(call.runtime, call.principal, asked)
    except NoRevisionNamedError:
        raise refuse_weak() from None
    details = registered.version.details
    after = UpsertedInfo(
        vin=registered.version.vehicle.vin,
        plate=str(details["plate"]),
        **{name_attribute(field): str(details[field.name]) for field in _UPSERT_FIELDS if field.name in details},
    )
    etag = (b"etag", format_etag(format_tag(registered.version.vehicle)))
    return build_json_reply(200, UpsertedVehicle(vehicle_info=after), (etag,))


async def put_vehicle(call: Call) -> Reply:
    """PUT /api/v2/vehicles/{vin}."""
    vin = parse_vin(call.path_parameters["vin"])
    body = await read_json(call, VehicleBody)
    if body.vin is not UNSET and parse_vin(body.vin) != vin:  # type: ignore[attr-defined]
        raise PadronError(Code.BAD_PARAMETERS, "The body's vin is not the one in the path: leave it out.")
    edits = {
        field.name: parse_value(field, value)
        for field in FIELDS
        if (value := getattr(body, name_attribute(field))) is not UNSET
    }
    asked = Registration(
        vin=vin,
        edits=edits,
        request_id=call.request_id,
        condition=give_condition(call),
        revisions=parse_if_match(call),
    )
    try:
        registered = await registration.put_vehicle(call.runtime, call.principal, asked)
    except NoRevisionNamedError:
        raise refuse_weak() from None
    etag = (b"etag", format_etag(format_tag(registered.version.vehicle)))
    return build_json_reply(201 if registered.created else 200, shape_vehicle(registered.version), (etag,))


async def get_vehicle(call: Call) -> Reply:
    """GET /api/v2/vehicles/{vin}."""
    vin = parse_vin(call.path_parameters["vin"])
    # A misspelt asOf must not show the present as the past, so an unknown parameter is refused.
    as_of = queries.parse_instant(queries.read_query(call, frozenset({"asOf"})), "asOf")
    version = await reading.get_vehicle(call.runtime, call.principal, vin, as_of)
    if as_of is not None:
        return build_json_reply(200, shape_vehicle(version))  # no ETag, because If-Match needs the present one
    tag = format_tag(version.vehicle)
    etag = (b"etag", format_etag(tag))
    if is_unchanged(call, tag):
        return Reply(304, headers=(etag,))
    return build_json_reply(200, shape_vehicle(version), (etag,))


async def list_vehicles(call: Call) -> Reply:
    """GET /api/v2/vehicles and GET /api/vehicles."""
    several = queries.read_list_query(call, queries.LIST_PARAMETERS)
    query, cursor = queries.parse_vehicle_query(several), queries.take_single(several).get("cursor")
    if query.as_of is not None:
        call.seat.begin(Kind.SCAN)
    async with reading.wait_for_turn(call.runtime, call.principal, query):
        found = await reading.list_vehicles(call.runtime, call.principal, query, cursor, read_seen(call))
        body: dict[str, object] = {
            "vehicles": [shape_vehicle(version) for version in found.page.rows],
            "nextCursor": found.page.next_cursor,
            "more": found.page.more,
        }
        if found.cursor is not None:
            body["cursor"] = found.cursor
        return build_json_reply(200, body)


async def list_history(call: Call) -> Reply:
    """GET /api/v2/vehicles/{vin}/history."""
    vin = parse_vin(call.path_parameters["vin"])
    given = queries.read_query(call, queries.PAGE_PARAMETERS | {"vehicleId"})
    vehicle_id = queries.parse_number("vehicleId", given["vehicleId"], 1, INTEGER_MAX) if "vehicleId" in given else None
    limit = queries.parse_limit(given)
    page = await reading.list_history(
        call.runtime,
        call.principal,
        vin,
        limit=limit,
        cursor=given.get("cursor"),
        vehicle_id=vehicle_id,
        seen=read_seen(call),
    )
    names = await name_actors(call.runtime, call.principal.account_id, [entry.by for entry in page.rows])
    body = HistoryList(
        history=[shape_history_entry(entry, names) for entry in page.rows],
        next_cursor=page.next_cursor,
        more=page.more,
        archived_until=UNSET if page.archived_until is None else page.archived_until,
    )
    return build_json_reply(200, body)


_ETAG = {"ETag": "The vehicle's tag, in quotes: it names the vehicle and its revision."}
_VEHICLE_PATH = "/api/v2/vehicles/{vin}"
_BODY_PROBLEMS = (problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE)
_FIND_PROBLEMS = (problems.BAD_PARAMETERS, problems.VEHICLE_NOT_FOUND, problems.MULTIPLE_VEHICLES_FOUND)


def _declare_list(name: str, path: str, summary: str) -> Route:
    return Route(
        name=name, method="GET", path=path, tag="Vehicles", summary=summary,
        description="A page of the current vehicles that match all filters, or of former versions with "
        "assetStatusId=2. Pages neither repeat nor skip a vehicle that stays in the list. With asOf, all pages show "
        "the register as it was at that instant. An unknown parameter is refused.",
        endpoint=list_vehicles, is_brief=True, scope=Scope.VEHICLES_READ,
        parameters=(
            *parameters.FILTERS, parameters.AS_OF, parameters.SORT, parameters.LIMIT, parameters.CURSOR,
            parameters.SEEN,
        ),
        answers={200: Success(description="A page.", body=VehicleList)},
        problems=(problems.BAD_PARAMETERS,),
    )  # fmt: skip


ROUTES: tuple[Route, ...] = (
    Route(
        name="upsertVehicleInfo", method="PUT", path="/api/upsert-vehicle-info", tag="Vehicles",
        summary="Register or update a vehicle by its VIN or its plate",
        description="If the VIN is known, its vehicle is updated, including the plate. If only the plate is known, its "
        "vehicle gets the new VIN. If both are unknown, a new vehicle is registered, which is Active. A missing member "
        'keeps its value, and "" removes it. Query parameters are ignored.',
        endpoint=upsert_vehicle_info, scope=Scope.VEHICLES_WRITE,
        parameters=(parameters.IF_MATCH, parameters.IF_NONE_MATCH_ANY), body=UpsertBody,
        body_example={"vehicleInfo": {"vin": "3LNHL2GC1BR262548", "plate": "RTA412C", "ownerName": "Flota Norte"}},
        answers={200: Success(description="The vehicle as it is now.", body=UpsertedVehicle, headers=_ETAG)},
        problems=(
            problems.BAD_PARAMETERS, problems.MULTIPLE_VEHICLES_FOUND, problems.VEHICLE_LIMIT_REACHED,
            problems.REVISION_MISMATCH, *_BODY_PROBLEMS,
        ),
    ),
    Route(
        name="putVehicle", method="PUT", path=_VEHICLE_PATH, tag="Vehicles",
        summary="Register or update a vehicle by its VIN",
        description='Only the VIN is the identity. A new vehicle is Active. A missing member keeps its value, and "" '
        "removes it. A PUT that changes no value does nothing. Former values are kept as a version with status id 2. "
        "With If-None-Match: *, the call only registers. Query parameters are ignored.",
        endpoint=put_vehicle, scope=Scope.VEHICLES_WRITE,
        parameters=(parameters.VIN, parameters.IF_MATCH, parameters.IF_NONE_MATCH_ANY),
        body=VehicleBody, body_example={"plate": "RTA412C", "brandName": "Lincoln", "modelName": "MKZ", "doors": 4},
        answers={
            200: Success(description="Updated, or there was nothing to update.", body=VehicleShape, headers=_ETAG),
            201: Success(description="Registered.", body=VehicleShape, headers=_ETAG),
        },
        problems=(
            problems.BAD_PARAMETERS, problems.MULTIPLE_VEHICLES_FOUND, problems.PLATE_IN_USE,
            problems.VEHICLE_LIMIT_REACHED, problems.REVISION_MISMATCH, *_BODY_PROBLEMS,
        ),
    ),
    Route(
        name="getVehicle", method="GET", path=_VEHICLE_PATH, tag="Vehicles",
        summary="Read a vehicle",
        description="Gives the vehicle's status and all its values. With asOf, it gives the status and values of that "
        "instant, including the VIN, and no ETag. An unknown query parameter is refused.",
        endpoint=get_vehicle, is_brief=True, scope=Scope.VEHICLES_READ,
        parameters=(parameters.VIN, parameters.AS_OF, parameters.IF_NONE_MATCH),
        answers={
            200: Success(description="The vehicle.", body=VehicleShape, headers=_ETAG),
            304: Success(description="The vehicle still has the ETag of If-None-Match.", headers=_ETAG),
        },
        problems=_FIND_PROBLEMS,
    ),
    Route(
        name="listVehicleHistory", method="GET", path=f"{_VEHICLE_PATH}/history", tag="Vehicles",
        summary="Read a vehicle's history",
        description="Every change of the vehicle, newest first: its author, instant and values.",
        endpoint=list_history, is_brief=True, scope=Scope.VEHICLES_READ,
        parameters=(parameters.VIN, parameters.VEHICLE_ID, parameters.LIMIT, parameters.CURSOR, parameters.SEEN),
        answers={200: Success(description="A page.", body=HistoryList)},
        problems=(*_FIND_PROBLEMS, problems.ARCHIVED),
    ),
    _declare_list("listVehicles", "/api/v2/vehicles", "List vehicles"),
    _declare_list("listVehiclesV1", "/api/vehicles", "List vehicles (the documented address)"),
)  # fmt: skip
