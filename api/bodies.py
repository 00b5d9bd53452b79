"""Bodies of requests with the API token, bounded while they are read."""

from starlette.requests import Request

from api.errors import Refused


async def read_body(request: Request, most: int) -> bytes:
    """The body. Refused: 413 over `most` bytes, with no more than that in memory."""
    pieces = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            # The rest of the body stays unread: the connection cannot serve another request.
            raise Refused(
                413, "too_large", f"send at most {most:,} bytes at once", {"Connection": "close"}
            )
        pieces.append(piece)
    return b"".join(pieces)
