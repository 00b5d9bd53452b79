"""Authentication of a source by its write key."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from functools import lru_cache

from starlette.requests import Request

from api.errors import Refused


def source_of(request: Request, in_body: str | None, write_keys: Mapping[str, str]) -> str:
    """The source of the request's write key: Basic user, `x-write-key`, query or body; some SDKs
    send several. Refused: 401 for an unknown key."""
    headers = request.headers
    authorization = headers.get("authorization")
    if authorization is not None:
        source = write_keys.get(basic_user(authorization) or "")
        if source is not None:
            return source
    for candidate in (
        in_body,
        headers.get("x-write-key"),
        request.query_params.get("writeKey") if request.scope["query_string"] else None,
    ):
        source = write_keys.get(candidate or "")
        if source is not None:
            return source
    raise Refused(401, "unknown_write_key", "the write key is unknown; see DAEHWA_WRITE_KEYS")


@lru_cache(maxsize=1024)
def basic_user(authorization: str) -> str | None:
    """The user of HTTP Basic credentials, with or without the colon; None where they are none."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(credentials).decode().partition(":")[0] or None
    except (Base64Error, UnicodeDecodeError):
        return None
