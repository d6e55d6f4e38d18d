"""What a VIN tells by itself, or what is wrong with it."""

from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.shapes.vins import VinShape, shape_vin
from padron.service.vehicles.vins import describe_vin

_TEXT = Parameter(
    name="vin", place="path", required=True,
    description="Any text that is meant to be a VIN, in any letter case.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
)  # fmt: skip


async def get_vin(call: Call) -> Reply:
    """GET /api/v2/vins/{vin}."""
    return build_json_reply(200, shape_vin(describe_vin(call.path_parameters["vin"], call.runtime.clock())))


ROUTES: tuple[Route, ...] = (
    Route(
        name="describeVin", method="GET", path="/api/v2/vins/{vin}", tag="VINs",
        summary="Ask what a VIN tells, or what is wrong with it",
        description="Answers from the text alone, with no network and no look at the register, and always with 200: "
        "whether it is well-formed; what is wrong where, and the VIN that was probably meant (0 for O and Q, 1 for I, "
        "no spaces or hyphens); the check digit, which is a warning and never a refusal, since it binds North America "
        "and China only; region, country, maker and the model years that it may stand for. Any valid key may ask. "
        "Query parameters are ignored.",
        endpoint=get_vin, parameters=(_TEXT,),
        answers={200: Success(description="What the text tells.", body=VinShape)},
    ),
)  # fmt: skip
