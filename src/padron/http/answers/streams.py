"""Answers that are a file, sent piece by piece until the client goes or the server stops."""

from collections.abc import AsyncGenerator, AsyncIterator

from padron.domain.errors import Code, PadronError
from padron.http.answers.replies import StreamReply
from padron.http.calls import Call, ClientGoneError


async def stream_file(call: Call, pieces: AsyncIterator[bytes], file_name: str) -> StreamReply:
    """Give the answer that sends a CSV file. A failure before its first piece still gives an error answer."""
    headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="%s"' % file_name.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    await call.read_body()  # a GET's body is ignored, but it must be read before we can notice that the client goes
    first = await anext(pieces)
    return StreamReply(_follow(call, first, pieces), headers)


async def _follow(call: Call, first: bytes, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    gone = call.watch_client()
    try:
        yield first
        async for piece in pieces:
            if gone.done():
                raise ClientGoneError
            if call.runtime.watch.is_stopping:
                raise PadronError(Code.STORE_UNAVAILABLE, "the server is stopping")
            yield piece
    finally:
        gone.cancel()


async def give_nothing() -> AsyncGenerator[bytes, None]:
    """Give no piece."""
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece
