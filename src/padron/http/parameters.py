"""Parameters that several operations declare."""

from dataclasses import replace

from padron.domain.instants import INSTANT_PATTERN
from padron.domain.operation import OPERATION_NAME_PATTERN
from padron.domain.query import FILTER_FIELDS, LIMIT_DEFAULT, LIMIT_MAX, SORT_FIELDS
from padron.domain.searching import SEARCH_LENGTH_MAX
from padron.domain.tags import TAG_PATTERN
from padron.domain.vehicle import INTEGER_MAX, TEXT_PATTERN
from padron.domain.vin import VIN_LENGTH, VIN_PATTERN
from padron.http.declarations import Parameter
from padron.http.docs.schemas import REFERENCE, STATUS_ID
from padron.http.requests.queries import SEARCH, STATUS_FILTER
from padron.service.vehicles.questions import VALUES_MAX

REQUEST_ID_PATTERN = "^[0-9A-Za-z_-]{1,100}$"
_ETAG_PATTERN = rf'^(\*|"{TAG_PATTERN.strip("^$")}")$'

INSTANT = {"type": "string", "format": "date-time", "pattern": INSTANT_PATTERN}
AS_OF = Parameter(
    name="asOf", place="query",
    description="An instant in the past, such as 2026-11-23T14:00:00Z. The answer shows the register as it was then.",
    schema=INSTANT,
)  # fmt: skip
VIN = Parameter(
    name="vin", place="path", required=True,
    description="17 digits and letters without I, O and Q, in any letter case.",
    schema={"type": "string", "pattern": VIN_PATTERN},
)  # fmt: skip
IF_MATCH = Parameter(
    name="If-Match", place="header",
    description="Continue only if the vehicle has this ETag (strong comparison); otherwise 412. A list is allowed too.",
    schema={"type": "string", "pattern": _ETAG_PATTERN},
)  # fmt: skip
IF_NONE_MATCH = Parameter(
    name="If-None-Match", place="header",
    description="Answer 304 if the vehicle still has this ETag (weak comparison). A list is allowed too.",
    schema={"type": "string", "pattern": _ETAG_PATTERN},
)  # fmt: skip
IF_NONE_MATCH_ANY = Parameter(
    name="If-None-Match", place="header",
    description="With *, continue only if the account has no vehicle with this VIN; otherwise 412.",
    schema={"type": "string", "enum": ["*"]},
)  # fmt: skip
LIMIT = Parameter(
    name="limit", place="query", description="The size of the page.",
    schema={"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
)  # fmt: skip
CURSOR = Parameter(
    name="cursor", place="query",
    description="The nextCursor of the previous page, with the same filters and order. It is opaque.",
    schema={"type": "string", "minLength": 1},
)  # fmt: skip
SEEN = Parameter(
    name="Padron-After", place="header",
    description="A change that the answer must include, even if a replica is some seconds behind. Send the "
    "X-Request-Id of the change's answer, or a cursor of the feed or the gate.",
    schema={"type": "string", "pattern": REQUEST_ID_PATTERN},
)  # fmt: skip
VEHICLE_ID = Parameter(
    name="vehicleId", place="query",
    description="The id of one of several vehicles with the VIN, as in the list of duplicates. Former vehicles are "
    "allowed too.",
    schema={"type": "integer", "minimum": 1, "maximum": INTEGER_MAX},
)  # fmt: skip
RESULT_LIMIT_MAX = 100  # because one result may have 64 KB
RESULT_LIMIT = Parameter(
    name="limit", place="query", description="The size of the page.",
    schema={"type": "integer", "minimum": 1, "maximum": RESULT_LIMIT_MAX, "default": LIMIT_DEFAULT},
)  # fmt: skip
OPERATION_NAME = Parameter(
    name="name", place="path", required=True, description="The operation's name.",
    schema={"type": "string", "pattern": OPERATION_NAME_PATTERN},
)  # fmt: skip
RUN_ID = Parameter(
    name="runId", place="path", required=True, description="The run's id, as given when it was started.",
    schema={"type": "string", "pattern": "^[0-7][0-9a-f]{15}$"},
)  # fmt: skip
REQUEST_ID = Parameter(
    name="requestId", place="path", required=True,
    description="The X-Request-Id of the answer, or the requestId in a vehicle's history.",
    schema={"type": "string", "pattern": REQUEST_ID_PATTERN},
)  # fmt: skip
SORT = Parameter(
    name="sort", place="query",
    description="The field to sort by, with - before it for descending order. Without it: order of registration. "
    "Text is sorted as people expect: letter case is ignored, accents decide last, and numbers count by their value. "
    "Plates and VINs are sorted letter by letter. Vehicles without a value come last in both directions.",
    schema={"type": "string", "enum": [f"{sign}{name}" for name in SORT_FIELDS for sign in ("", "-")]},
)  # fmt: skip
DATA_FILTERS: tuple[Parameter, ...] = (
    Parameter(
        name="vin", place="query", description="The whole VIN, in any letter case.",
        schema={"type": "string", "minLength": 1, "maxLength": VIN_LENGTH, "pattern": TEXT_PATTERN},
    ),
    *(
        Parameter(
            name=field.name, place="query", description="The whole value, ignoring case.",
            schema={"type": "string", "minLength": 1, "maxLength": field.length_max, "pattern": field.pattern},
        )
        if field.is_text
        else Parameter(
            name=field.name, place="query", description="The number.",
            schema={"type": "integer", "minimum": 0, "maximum": field.number_max},
        )
        for field in FILTER_FIELDS.values()
    ),
)  # fmt: skip


def _repeat(one: Parameter) -> Parameter:
    """Give a filter that may be repeated: a vehicle has any of the values."""
    schema = {"type": "array", "items": one.schema, "minItems": 1, "maxItems": VALUES_MAX}
    return replace(one, description=f"{one.description} Repeat it for any of several.", schema=schema)


FILTERS: tuple[Parameter, ...] = (
    Parameter(
        name=SEARCH, place="query",
        description="Words that are looked for in any part of the VIN, the plate, the unit number (customId) and the "
        "owner's name (ownerName). All words must be found. Letter case and accents do not count: jose finds José. "
        "Only current vehicles are found, and only present values.",
        schema={"type": "string", "minLength": 1, "maxLength": SEARCH_LENGTH_MAX, "pattern": TEXT_PATTERN},
    ),
    Parameter(
        name=STATUS_FILTER, place="query",
        description="A vehicle status id, or several (repeat the parameter, or put commas between them): vehicles with "
        "any of these statuses. 2, alone, means former versions instead of current vehicles.",
        schema={
            "type": "array", "items": {"$ref": REFERENCE.format(name=STATUS_ID)}, "minItems": 1,
            "maxItems": VALUES_MAX,
        },
    ),
    Parameter(
        name="operational", place="query",
        description="true: vehicles that operations may touch; false: all other current vehicles.",
        schema={"type": "boolean"},
    ),
    *(_repeat(one) for one in DATA_FILTERS),
)  # fmt: skip
