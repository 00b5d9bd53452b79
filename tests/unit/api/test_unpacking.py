"""Bodies as clients and proxies pack them: unpacked within bounds, or refused with the reason."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from api.collector.unpacking import LARGEST_BODY, unpacked
from api.errors import Refused
from tests.harness.histories import law


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "plain": ("", bytes),
    "identity": ("identity", bytes),
}


@law
@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=2000))
def test_what_was_packed_comes_out(name: str, tail: bytes) -> None:
    encoding, pack = PACKERS[name]
    body = b'{"a": "' + tail
    assert unpacked(pack(body), encoding) == body
    assert unpacked(pack(body), encoding.upper()) == body


@pytest.mark.parametrize("name", ["gzip", "deflate", "raw deflate", "br", "zstd"])
def test_a_body_may_be_as_large_as_the_bound_and_no_larger(name: str) -> None:
    encoding, pack = PACKERS[name]
    assert len(unpacked(pack(b"{" * LARGEST_BODY), encoding)) == LARGEST_BODY
    with pytest.raises(Refused) as refused:
        unpacked(pack(b"{" * (20 * LARGEST_BODY)), encoding)
    assert refused.value.status == 413


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
def test_a_body_that_is_cut_off_is_refused(name: str) -> None:
    encoding, pack = PACKERS[name]
    body = b"".join(b"%d," % (n * n) for n in range(5000))
    with pytest.raises(Refused) as refused:
        unpacked(pack(body)[:-9], encoding)
    assert refused.value.status == 400


def test_a_proxy_that_unpacks_and_keeps_the_header_does_no_harm() -> None:
    for encoding in ("gzip", "br", "deflate", "zstd", "gzip, br"):
        assert unpacked(b'{"a": 1}', encoding) == b'{"a": 1}'


@pytest.mark.parametrize("encoding", ["compress", "gzip, lzma", "x"])
def test_an_unknown_encoding_is_named(encoding: str) -> None:
    with pytest.raises(Refused) as refused:
        unpacked(b"x", encoding)
    assert (refused.value.status, refused.value.code) == (415, "unsupported_encoding")
