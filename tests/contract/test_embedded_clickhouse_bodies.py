"""How the embedded ClickHouse packs and unpacks bodies over HTTP, and what its headers say."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator

import httpx
import lz4.frame
import pytest
import zstandard

from infra.embedded.clickhouse.blocks import split_blocks
from infra.embedded.clickhouse.byte_stream import at_once, stream_of
from infra.embedded.clickhouse.compression import compress, read_frame
from infra.embedded.clickhouse.launch import Access, launch

LIMIT = 8_000_000
LINES = "".join(f"{number}\n" for number in range(20_000)).encode()

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "lz4": lz4.frame.compress,
}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(
        folder / "data", folder / "log", Access(password="s3cret"),
        extra=("--max-insert-bytes", str(LIMIT)),
    )  # fmt: skip
    with httpx.Client(
        base_url=f"http://{server.host}:{server.http_port}",
        headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": "s3cret"},
    ) as client:
        client.post("/", content="CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a")
        yield client
    assert server.stop() == 0, (folder / "log").read_text()


def unframed(data: bytes) -> bytes:
    stream, found = stream_of(data), b""
    while not stream.drained:
        found += at_once(read_frame(stream))
    return found


@pytest.fixture
def count(http: httpx.Client) -> Callable[[], int]:
    http.post("/", content="TRUNCATE TABLE t")
    return lambda: int(http.post("/", content="SELECT count() FROM t").text)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_an_insert_is_unpacked(http: httpx.Client, count: Callable[[], int], encoding: str) -> None:
    body = ENCODERS[encoding](LINES)
    query = {"query": "INSERT INTO t FORMAT TSV"}
    answer = http.post("/", params=query, content=body, headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.text) == (200, "")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "20000"
    assert count() == 20_000


@pytest.mark.parametrize("encoding", ENCODERS)
def test_members_and_frames_follow_each_other(
    http: httpx.Client, count: Callable[[], int], encoding: str
) -> None:
    body = ENCODERS[encoding](LINES) + ENCODERS[encoding](b"7\n")
    query = {"query": "INSERT INTO t FORMAT TSV"}
    answer = http.post("/", params=query, content=body, headers={"Content-Encoding": encoding})
    assert answer.status_code == 200
    assert count() == 20_001


@pytest.mark.parametrize("encoding", [*ENCODERS, "frames"])
def test_a_body_that_is_cut_off_inserts_nothing(
    http: httpx.Client, count: Callable[[], int], encoding: str
) -> None:
    query = {"query": "INSERT INTO t FORMAT TSV"}
    headers = {"Content-Encoding": encoding}
    if encoding == "frames":
        query, headers = {**query, "decompress": "1"}, {}
    body = ENCODERS.get(encoding, compress)(LINES)
    answer = http.post("/", params=query, content=body[:-3], headers=headers)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "271"
    assert "cut off" in answer.text
    assert count() == 0


@pytest.mark.parametrize("encoding", [None, "gzip", "zstd"])
def test_frames_are_unpacked_within_an_encoding_too(
    http: httpx.Client, count: Callable[[], int], encoding: str | None
) -> None:
    body = compress(LINES)
    query = {"query": "INSERT INTO t FORMAT TSV", "decompress": "1"}
    headers = {} if encoding is None else {"Content-Encoding": encoding}
    packed = body if encoding is None else ENCODERS[encoding](body)
    assert http.post("/", params=query, content=packed, headers=headers).status_code == 200
    assert count() == 20_000


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ({"decompress": "1"}, {}, "271"),
        ({}, {"Content-Encoding": "gzip"}, "271"),
        ({}, {"Content-Encoding": "lz4"}, "271"),
        ({}, {"Content-Encoding": "zstd"}, "271"),
        ({}, {"Content-Encoding": "compress"}, "48"),
    ],
)
def test_a_broken_body_inserts_nothing_and_says_so(
    http: httpx.Client,
    count: Callable[[], int],
    query: dict[str, str],
    headers: dict[str, str],
    code: str,
) -> None:
    into = {"query": "INSERT INTO t FORMAT TSV", **query}
    answer = http.post("/", params=into, content=b"1\n2\n3\n" * 9, headers=headers)
    assert answer.headers["X-ClickHouse-Exception-Code"] == code
    assert count() == 0


@pytest.mark.parametrize("encoding", ENCODERS)
def test_what_unpacks_to_too_much_is_refused(
    http: httpx.Client, count: Callable[[], int], encoding: str
) -> None:
    body = ENCODERS[encoding](b"1\n" * LIMIT)
    query = {"query": "INSERT INTO t FORMAT TSV"}
    answer = http.post("/", params=query, content=body, headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (413, "307")
    assert count() == 0


@pytest.mark.parametrize("query", ["SELECT number FROM numbers(20000)", "SHOW TABLES"])
def test_an_answer_comes_in_frames(http: httpx.Client, query: str) -> None:
    plain = http.post("/", content=query).content
    packed = http.post("/", params={"compress": "1"}, content=query).content
    assert packed != plain
    assert unframed(packed) == plain


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_an_answer_comes_in_the_encoding_that_was_asked_for(
    http: httpx.Client, encoding: str
) -> None:
    asked = {"enable_http_compression": "1"}
    query = "SELECT number FROM numbers(20000)"
    with http.stream(
        "POST", "/", params=asked, content=query, headers={"Accept-Encoding": f"{encoding}, x;q=0"}
    ) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == encoding
    decoders: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
        "lz4": lz4.frame.decompress,
    }
    assert decoders[encoding](raw) == LINES


def test_nothing_is_packed_unasked(http: httpx.Client) -> None:
    answer = http.post("/", content="SELECT 1", headers={"Accept-Encoding": "gzip, zstd"})
    assert "Content-Encoding" not in answer.headers
    refused = {"Accept-Encoding": "gzip;q=0, zstd; q=0.0"}
    asked = {"enable_http_compression": "1"}
    answer = http.post("/", params=asked, content="SELECT 1", headers=refused)
    assert "Content-Encoding" not in answer.headers
    assert answer.text == "1\n"


def test_headers_say_which_query_it_was_and_what_it_read(http: httpx.Client) -> None:
    query = {"query_id": "mine", "wait_end_of_query": "1"}
    http.post("/", content="INSERT INTO t SELECT number FROM numbers(1000)")
    answer = http.post("/", params=query, content="SELECT a FROM t")
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert answer.headers["X-ClickHouse-Timezone"]
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert int(summary["read_rows"]) >= 1000
    assert int(summary["result_rows"]) == len(answer.text.splitlines())


def test_a_client_of_a_revision_gets_its_blocks(http: httpx.Client) -> None:
    query = "SELECT number, toDateTime('2024-01-01 00:00:00', 'UTC') FROM numbers(2)"
    asked = {"default_format": "Native", "client_protocol_version": "54405"}
    old = http.post("/", params=asked, content=query).content
    new = http.post("/", params={**asked, "client_protocol_version": "54470"}, content=query)
    info = 8  # two fields of block info and its end
    ((shape, _),) = split_blocks(old[info:])
    assert shape.columns[1][1] == "DateTime('UTC')"
    assert len(new.content) == len(old) + 2  # a serialization byte per column
    none = http.post("/", params=asked, content=f"SELECT * FROM ({query}) WHERE 0").content
    ((shape, _),) = split_blocks(none[info:])
    assert (shape.rows, shape.columns[0][0]) == (0, "number")
    assert http.post("/", params={"client_protocol_version": "x"}, content="SELECT 1").text == "1\n"
