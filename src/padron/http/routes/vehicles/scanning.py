"""Reading the VINs in a picture."""

import hashlib
from functools import partial

from padron.domain.account import Scope
from padron.domain.quoting import quote
from padron.files.pictures import PICTURE_BYTES_MAX
from padron.http import idempotency
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply, StreamReply, build_json_reply
from padron.http.answers.scanning_problems import SCANNING_UNAVAILABLE
from padron.http.calls import CLOSE, Call
from padron.http.declarations import Route, Success
from padron.http.requests import queries
from padron.http.shapes.vins import ScanShape, shape_scan
from padron.service.scanning.scanning import check_may_scan, scan_picture

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")


async def scan(call: Call) -> Reply | StreamReply:
    """POST /api/v2/vins/scan."""
    check_may_scan(call.principal)
    queries.read_query(call, frozenset())
    _check_media_type(call.headers.get(b"content-type"))
    idempotency.check_header(call)
    call.check_declared(PICTURE_BYTES_MAX, PICTURE_BYTES_MAX)
    picture, digest = bytearray(), hashlib.sha256(idempotency.give_head(call))
    async for data in call.stream_body(PICTURE_BYTES_MAX):
        picture += data
        digest.update(data)  # as it arrives: all at once would hold up the event loop
        call.seat.hold_bytes(len(picture))
    return await idempotency.answer_once(call, partial(_scan, picture=bytes(picture)), digest.digest())


async def _scan(call: Call, picture: bytes) -> Reply:
    scanned = await scan_picture(call.runtime, call.principal, picture)
    await call.confirm()  # reading takes seconds, and the key may be revoked by now
    return build_json_reply(200, shape_scan(scanned))


def _check_media_type(content_type: bytes | None) -> None:
    media_type = (content_type or b"application/octet-stream").decode("latin-1").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        detail = f"The body is declared as {quote(media_type)}. Send the picture itself, as {', '.join(MEDIA_TYPES)}."
        raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, detail, CLOSE)


ROUTES: tuple[Route, ...] = (
    Route(
        name="scanVins", method="POST", path="/api/v2/vins/scan", tag="VINs", summary="Read the VINs in a picture",
        description=f"The body is a picture of at most {PICTURE_BYTES_MAX // 1_000_000} MB, such as a photo of a "
        "vehicle's label. The server looks for barcodes: Code 39, Code 128, Data Matrix and QR. The answer has each "
        "VIN in them once. The `I` before the VIN of an imported vehicle is dropped. The picture is not kept.\n\n"
        "A picture without a VIN is answered with an empty list. Needs a server with the extra `scan`.",
        endpoint=scan, scope=Scope.VEHICLES_READ, media_types=MEDIA_TYPES, is_streamed=True,
        answers={200: Success(description="The VINs.", body=ScanShape)},
        problems=(
            problems.BAD_PARAMETERS, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
            problems.REQUEST_TIMEOUT, SCANNING_UNAVAILABLE,
        ),
    ),
)  # fmt: skip
