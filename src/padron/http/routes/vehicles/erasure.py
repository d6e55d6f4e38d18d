"""Erasing personal values of vehicles or of a person."""

from msgspec import UNSET

from padron.domain.account import Scope
from padron.domain.change import parse_reason
from padron.domain.erasure import Selection, parse_fields
from padron.domain.errors import Code, PadronError
from padron.domain.vehicle import check_text
from padron.domain.vin import parse_vin
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.requests.bodies import read_json
from padron.http.shapes.erasures import VALUE_LENGTH_MAX, ErasureBody, ErasureShape, shape_erasure
from padron.service.vehicles.erasure import Erasure, erase_values


async def erase(call: Call) -> Reply:
    """POST /api/v2/erasures."""
    body = await read_json(call, ErasureBody)
    vin = None if body.vin is UNSET else parse_vin(body.vin)
    value = None if body.value is UNSET else body.value
    if not value and (vin is None or value is not None):
        raise PadronError(Code.BAD_PARAMETERS, "Name the vehicles by vin, or the value to erase, or both.")
    if value is not None:
        check_text("value", value, VALUE_LENGTH_MAX, allowed="\n")
    asked = Erasure(
        vin=vin,
        selection=Selection(fields=parse_fields(body.fields), value=value),
        by=call.principal.actor,
        request_id=call.request_id,
        reason=None if body.reason is UNSET else parse_reason(body.reason),
    )
    report = await erase_values(call.runtime, call.principal, asked, dry_run=body.dry_run)
    return build_json_reply(200, shape_erasure(report, call.request_id, dry_run=body.dry_run))


ROUTES: tuple[Route, ...] = (
    Route(
        name="eraseValues", method="POST", path="/api/v2/erasures", tag="Vehicles",
        summary="Erase personal values",
        description="Erases values of the present, of former versions, of the history, and of kept answers. The record "
        "then has the text [erased] in their places. It cannot be undone. Each vehicle gets a change of the type "
        "`erased`, which names the fields and the numbers of the changes that had the values. At most 1,000 vehicles "
        "are handled at once: repeat the request while `incomplete` is true. Query parameters are ignored.",
        endpoint=erase, scope=Scope.VEHICLES_ERASE,
        body=ErasureBody, body_example={"vin": "3LNHL2GC1BR262548", "fields": ["ownerName", "taxIdentifier"]},
        answers={200: Success(description="The values are erased.", body=ErasureShape)},
        problems=(
            problems.BAD_PARAMETERS, problems.VEHICLE_NOT_FOUND, problems.BODY_TOO_LARGE,
            problems.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
)  # fmt: skip
