"""The query parameters of an import. They say how to read its file."""

import json
from collections.abc import Mapping

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import HEADER_ROW_MAX, SHEET_LENGTH_MAX, ReadingOptions
from padron.domain.quoting import quote
from padron.domain.vehicle import TEXT_PATTERN, check_text
from padron.files.headers import parse_mapping
from padron.http.declarations import Parameter
from padron.http.requests import queries

MAPPING_LENGTH_MAX = 1_500  # characters; the whole address has at most 2,048 bytes, and some characters take six bytes

PARAMETERS = (
    Parameter(
        name="sheet", place="query", description="The sheet of a workbook to read, when several have content.",
        schema={"type": "string", "minLength": 1, "maxLength": SHEET_LENGTH_MAX, "pattern": TEXT_PATTERN},
    ),
    Parameter(
        name="headerRow", place="query",
        description="The row, from 1, that names the columns. By default this is the first row that names the VIN.",
        schema={"type": "integer", "minimum": 1, "maximum": HEADER_ROW_MAX},
    ),
    Parameter(
        name="mapping", place="query",
        description="A JSON object that maps each name in the file to a column, or to - to ignore it.",
        schema={"type": "string", "minLength": 2, "maxLength": MAPPING_LENGTH_MAX,
                "contentMediaType": "application/json"},
    ),
    Parameter(
        name="ignoreUnknown", place="query",
        description="Ignore columns with an unknown name. The import's `ignoredColumns` names them.",
        schema={"type": "boolean", "default": False},
    ),
    Parameter(
        name="normalize", place="query",
        description="Remove spaces, hyphens, dots and slashes from plates and VINs.",
        schema={"type": "boolean", "default": False},
    ),
)  # fmt: skip
NAMES = frozenset(parameter.name for parameter in PARAMETERS)


def parse_reading(given: dict[str, str]) -> ReadingOptions:
    """Give the options to read the file with. Raises ``bad_parameters`` and names the parameter."""
    if "sheet" in given:
        check_text("sheet", given["sheet"], SHEET_LENGTH_MAX)
    row = given.get("headerRow")
    return ReadingOptions(
        mapping=_parse_mapping(given["mapping"]) if "mapping" in given else {},
        sheet=given.get("sheet"),
        header_row=None if row is None else queries.parse_number("headerRow", row, 1, HEADER_ROW_MAX),
        ignore_unknown=queries.parse_boolean(given, "ignoreUnknown") or False,
        normalize=queries.parse_boolean(given, "normalize") or False,
    )


def _parse_mapping(text: str) -> Mapping[str, str]:
    if len(text) > MAPPING_LENGTH_MAX:
        raise _refuse_mapping(f"has {len(text)} characters. At most {MAPPING_LENGTH_MAX:,} are allowed.")
    try:
        pairs = json.loads(text, object_pairs_hook=_MappingMembers)
    except (ValueError, RecursionError) as error:
        raise _refuse_mapping('is not JSON. Write it as {"Chasis": "vin", "Kilometraje": "-"}.') from error
    if not isinstance(pairs, _MappingMembers) or not all(isinstance(column, str | None) for _, column in pairs):
        raise _refuse_mapping("must be a JSON object with text for each name: a column, or - to ignore it.")
    mapping: dict[str, str] = {}
    for name, column in pairs:
        if name in mapping:
            raise _refuse_mapping(f"has {quote(name)} twice. Send it once.")
        for part in (name, column or ""):
            check_text("mapping", part, MAPPING_LENGTH_MAX, allowed="\n\r\t")
        mapping[name] = column or ""
    parse_mapping(mapping)
    return mapping


class _MappingMembers(list[tuple[str, str | None]]):
    """The members of a JSON object, including those that occur twice."""


def _refuse_mapping(what: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, f"The query parameter mapping {what}")
