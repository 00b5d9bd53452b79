"""The collector's small decisions: unpacking within bounds, write keys, sites, paths."""

import gzip
import zlib
from base64 import b64encode

import pytest
from starlette.datastructures import Headers

from api.collector.routing import CollectorRoutes
from api.collector.unpacking import LARGEST_BODY, gunzip
from api.collector.write_keys import basic_user
from api.cors import cors_headers, preflight_headers
from api.errors import Refused
from api.origins import AllowedOrigins


def test_unpacks_one_and_several_gzip_members() -> None:
    assert gunzip(gzip.compress(b"abc")) == b"abc"
    assert gunzip(gzip.compress(b"abc") + gzip.compress(b"def")) == b"abcdef"
    assert gunzip(gzip.compress(b"x" * LARGEST_BODY)) == b"x" * LARGEST_BODY


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(gzip.compress(b"x" * (LARGEST_BODY + 1)), 413, id="too much"),
        pytest.param(
            gzip.compress(b"x" * LARGEST_BODY) + gzip.compress(b"x"), 413, id="too much in two"
        ),
        pytest.param(gzip.compress(b"abcdef" * 100)[:-12], 400, id="cut off"),
        pytest.param(b"\x1f\x8bnonsense", 400, id="not gzip"),
        # each member would copy the megabytes after it
        pytest.param(gzip.compress(b"") * 100_000, 400, id="too many members"),
    ],
)
def test_refuses_a_gzip_that_holds_too_much_or_is_broken(data: bytes, status: int) -> None:
    with pytest.raises(Refused) as refused:
        gunzip(data)
    assert refused.value.status == status


def test_a_bomb_is_not_unpacked_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    made = zlib.compressobj(wbits=31)
    bomb = b"".join(made.compress(bytes(1 << 20)) for _ in range(64)) + made.flush()
    assert len(bomb) < LARGEST_BODY < 64 << 20
    handed_out = 0
    real = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._real = real(wbits=wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal handed_out
            found = self._real.decompress(data, most)
            handed_out += len(found)
            return found

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    with pytest.raises(Refused):
        gunzip(bomb)
    assert handed_out <= LARGEST_BODY + 1


@pytest.mark.parametrize(
    ("authorization", "user"),
    [
        ("Basic " + b64encode(b"KEY:").decode(), "KEY"),
        ("Basic " + b64encode(b"KEY").decode(), "KEY"),
        ("basic " + b64encode(b"KEY:secret").decode(), "KEY"),
        ("Basic %%%", None),
        ("Basic " + b64encode(b"\xff:").decode(), None),
        ("Bearer KEY", None),
        ("", None),
    ],
)
def test_the_user_of_basic_credentials(authorization: str, user: str | None) -> None:
    assert basic_user(authorization) == user


def test_only_allowed_sites_read_the_answer() -> None:
    from_shop = Headers({"origin": "https://shop.example"})
    assert cors_headers(Headers({}), AllowedOrigins(["*"])) == {}
    assert cors_headers(from_shop, AllowedOrigins(["https://other.example"])) == {}
    for allowed in ("*", "https://shop.example", "till=https://shop.example"):
        found = cors_headers(from_shop, AllowedOrigins([allowed]))
        assert found["Access-Control-Allow-Origin"] == "https://shop.example"
        assert found["Access-Control-Expose-Headers"] == "Retry-After"


def test_a_source_with_sites_of_its_own_has_no_others() -> None:
    allowed = AllowedOrigins(["https://shop.example", "till=https://till.example"])
    assert allowed.may_send("https://shop.example", "shop")
    assert not allowed.may_send("https://till.example", "shop")
    assert allowed.may_send("https://till.example", "till")
    assert not allowed.may_send("https://shop.example", "till")
    assert allowed.may_ask("https://till.example")
    assert not allowed.may_ask("https://elsewhere.example")


def test_preflight_allows_any_header() -> None:
    asked = "authorization,content-type,AnonymousId,rsa-gzip,baggage,sentry-trace,traceparent,a b"
    headers = Headers({"origin": "https://shop.example", "access-control-request-headers": asked})
    found = preflight_headers(headers, AllowedOrigins(["*"]), "POST, OPTIONS")
    assert found["Access-Control-Allow-Headers"].split(", ") == asked.lower().split(",")[:-1]
    assert int(found["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Headers" not in preflight_headers(
        headers, AllowedOrigins([]), "POST"
    )


@pytest.mark.parametrize(
    "path",
    ["/v1/batch", "/v1/b", "/v1/import", "/v1/track", "/v1/t", "/v1/identify", "/v1/i", "/v1/page",
     "/v1/p", "/v1/screen", "/v1/s", "/v1/group", "/v1/g", "/v1/alias", "/v1/a", "/v1/m",
     "/beacon/v1/batch", "/rsaMetrics", "/sourceConfig/", "/v1/projects/KEY/settings",
     "/v1/pixel/track", "/v1/pixel/page", "/pixel/v1/track", "/pixel/v1/page",
     "/v1/import/", "//v1//batch", "/v1/batch//", "/v1/projects/KEY/settings/", "/sourceConfig"],
)  # fmt: skip
def test_the_paths_of_the_protocol_are_the_collectors(path: str) -> None:
    assert CollectorRoutes().matches({"type": "http", "path": path})[0].name == "FULL"


@pytest.mark.parametrize(
    "path", ["/v1/x", "/v1", "/v1/projects//settings", "/v1/projects/a/b/settings"]
)
def test_other_paths_are_not(path: str) -> None:
    assert CollectorRoutes().matches({"type": "http", "path": path})[0].name == "NONE"
