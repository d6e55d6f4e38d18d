"""The set of all VINs that the gate allows, or refuses, as lines of JSON."""

from collections.abc import AsyncGenerator

import msgspec

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.gate import GateSet
from padron.domain.quoting import quote
from padron.http.answers import problems
from padron.http.answers.replies import StreamReply
from padron.http.calls import Call, ClientGoneError
from padron.http.declarations import Parameter, Route, Success
from padron.http.places import Kind
from padron.http.requests import queries
from padron.http.shapes.changes import GateSetEnd, GateSetHeadShape
from padron.service.operations import gate_sets
from padron.service.operations.gate_sets import StoredSet

MEDIA_TYPE = "application/x-ndjson"
_HEADERS = (
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-store"),
)


async def read_gate_set(call: Call) -> StreamReply:
    """GET /api/v2/gate-set."""
    of = _parse_set(queries.read_query(call, frozenset({"of"})).get("of", GateSet.OPERABLE.value))
    call.seat.begin(Kind.EXPORT)
    await call.read_body()  # a GET's body is ignored, but it must be read before we can notice that the client goes
    stored = await gate_sets.read_gate_set(call.runtime, call.principal, of)
    return StreamReply(_send(call, stored), _HEADERS)


def _parse_set(text: str) -> GateSet:
    if text not in set(GateSet):
        raise PadronError(Code.BAD_PARAMETERS, f"of is {quote(text)}: it must be {' or '.join(GateSet)}.")
    return GateSet(text)


async def _send(call: Call, stored: StoredSet) -> AsyncGenerator[bytes, None]:
    gone = call.watch_client()
    head = GateSetHeadShape(
        of=stored.of,
        cursor=stored.cursor,
        number=stored.last_change.number,
        operable=stored.operable_count,
        refused=stored.refused_count,
    )
    try:
        yield msgspec.json.encode(head) + b"\n"
        for piece in stored.read_pieces():
            if gone.done():
                raise ClientGoneError
            if call.runtime.watch.is_stopping:
                raise PadronError(Code.STORE_UNAVAILABLE, "the server is stopping")
            yield piece
        yield msgspec.json.encode(GateSetEnd(end=stored.count)) + b"\n"
    finally:
        gone.cancel()
        stored.lines.close()


ROUTES: tuple[Route, ...] = (
    Route(
        name="readGateSet", method="GET", path="/api/v2/gate-set", tag="Gate",
        summary="Read all VINs that the gate allows",
        description="All VINs for which the gate says allowed, or all registered ones that it refuses, as of one "
        "instant after the request came. With the feed, a program keeps this set up to date and answers for itself.\n\n"
        "The answer has one JSON text on each line. The first line is an object: the set, the cursor and the number of "
        "the account's last change at that instant, and how many VINs both sets have. Then comes one VIN on each line, "
        'each once, in any order. The last line is `{"end":n}` with the number of these VINs. Without this line the '
        "answer was cut.",
        endpoint=read_gate_set, scope=Scope.GATE_CHECK,
        parameters=(
            Parameter(name="of", place="query", description="operable: the VINs that the gate allows. refused: the "
                      "other VINs of current vehicles, also those that several vehicles have.",
                      schema={"type": "string", "enum": list(GateSet), "default": GateSet.OPERABLE.value}),
        ),
        answers={200: Success(description="The set.", media_type=MEDIA_TYPE)},
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
