"""A request's body, bounded while it is read and while it is unpacked."""

from starlette.requests import Request

from api.collector.unpacking import LARGEST_BODY, check_encoding, too_large, unpacked
from api.errors import Refused


async def read_body(request: Request) -> bytes:
    """The body, unpacked. The content type is ignored: SDKs send arbitrary ones.

    Refused: 413 over `LARGEST_BODY`, 400 for a broken packing, 415 for another encoding.
    """
    encoding = request.headers.get("content-encoding", "")
    if encoding:
        check_encoding(encoding)  # before anything is read
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise too_large()
    message = await request.receive()
    data: bytes = message.get("body", b"")
    if message.get("more_body"):
        data = await _read_on(request, data)
    elif message["type"] == "http.disconnect":
        raise _gone()
    return unpacked(data, encoding)


async def _read_on(request: Request, first: bytes) -> bytes:
    chunks = [first]
    size = len(first)
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise _gone()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY:
            raise too_large()
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _gone() -> Refused:
    return Refused(400, "disconnected", "the sender left in the middle of the body")
