"""Describing a VIN: what its characters say, or what is wrong with it."""

from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.shapes.vins import VinShape, shape_vin
from padron.service.vehicles.vins import describe_vin

_TEXT = Parameter(
    name="vin", place="path", required=True,
    description="The text to check, in any letter case.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
)  # fmt: skip


async def get_vin(call: Call) -> Reply:
    """GET /api/v2/vins/{vin}."""
    return build_json_reply(200, shape_vin(describe_vin(call.path_parameters["vin"], call.runtime.clock())))


ROUTES: tuple[Route, ...] = (
    Route(
        name="describeVin", method="GET", path="/api/v2/vins/{vin}", tag="VINs",
        summary="Ask what a VIN tells, or what is wrong with it",
        description="Uses only the text, without the network and the register. The status is always 200. The answer "
        "has:\n\n"
        "- Whether the text is well-formed.\n"
        "- What is wrong where, and the VIN that was probably meant (0 for O and Q, 1 for I, no spaces or hyphens).\n"
        "- The check digit. A wrong one is only a warning, because the law requires it only in North America and "
        "China.\n"
        "- The region, the country, the maker and the possible model years.\n\n"
        "Any valid key may ask. Query parameters are ignored.",
        endpoint=get_vin, parameters=(_TEXT,),
        answers={200: Success(description="The facts in the text.", body=VinShape)},
    ),
)  # fmt: skip
