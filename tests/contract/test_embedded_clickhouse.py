"""The embedded ClickHouse, as an unmodified clickhouse-driver and plain HTTP see it."""

from __future__ import annotations

import base64
import gzip
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from clickhouse_driver import Client, errors
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_str

from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, LaunchError, launch

PASSWORD = "s3cret"
INSERT_LIMIT = 40_000_000

Connect = Callable[..., Client]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    started = launch(
        folder / "data",
        folder / "log",
        Access(password=PASSWORD),
        extra=("--max-insert-bytes", str(INSERT_LIMIT)),
    )
    yield started
    assert started.stop() == 0, (folder / "log").read_text()
    assert "Traceback" not in (folder / "log").read_text()


@pytest.fixture(scope="module")
def connect(server: ClickHouseProcess) -> Iterator[Connect]:
    opened: list[Client] = []

    def open_client(**options: Any) -> Client:
        options = {"password": PASSWORD, **options}
        opened.append(Client(server.host, port=server.port, **options))
        return opened[-1]

    yield open_client
    for client in opened:
        client.disconnect()


@pytest.fixture
def client(connect: Connect) -> Client:
    return connect()


@pytest.fixture
def table(client: Client) -> str:
    """A name no other test uses."""
    return f"t_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def http(server: ClickHouseProcess) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"http://{server.host}:{server.http_port}",
        headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORD},
    ) as opened:
        yield opened


def until(condition: Callable[[], bool], what: str) -> None:
    """Ask again and again, each time with a query to the server, until it holds."""
    for _ in range(5_000):
        if condition():
            return
    pytest.fail(f"never: {what}")


TYPES: list[tuple[str, list[Any]]] = [
    ("String", ["", "a", "대화", "x" * 300, "quote ' and \\ and \n"]),
    ("LowCardinality(String)", ["web", "call", "", "대화"]),
    ("LowCardinality(Nullable(String))", ["web", None, "call", None]),
    ("FixedString(3)", ["abc", "대"]),
    ("UInt8", [0, 255]),
    ("UInt16", [0, 65535]),
    ("UInt32", [0, 2**32 - 1]),
    ("UInt64", [0, 2**64 - 1]),
    ("Int8", [-128, 127]),
    ("Int64", [-(2**63), 2**63 - 1]),
    ("Int256", [-(2**200), 2**200]),
    ("Float64", [0.1, -1e300]),
    ("Bool", [True, False]),
    ("Date", [date(2026, 3, 1)]),
    ("DateTime('UTC')", [datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)]),
    ("DateTime64(3, 'UTC')", [datetime(2026, 3, 1, 12, 30, 5, 123000, tzinfo=UTC)]),
    ("Nullable(UInt32)", [1, None, 3]),
    ("Nullable(String)", ["a", None, ""]),
    ("Nullable(DateTime64(3, 'UTC'))", [None, datetime(2026, 3, 1, tzinfo=UTC)]),
    ("Array(String)", [[], ["a", "b"], ["x" * 200]]),
    ("Array(Array(Nullable(UInt8)))", [[[1, None], []], []]),
    ("Array(LowCardinality(String))", [["a", "b", "a"], [], ["c"]]),
    ("Map(String, String)", [{}, {"k": "v", "대": "화"}]),
    ("Map(LowCardinality(String), Array(UInt8))", [{"k": [1, 2]}, {}]),
    ("UUID", [uuid.UUID(int=7), uuid.UUID(int=2**127)]),
    ("Decimal(9, 2)", [Decimal("1.25"), Decimal("-3.50")]),
    ("Decimal(38, 10)", [Decimal("12345678901234567890.0123456789")]),
    ("Enum8('web, or ''app''' = 1, 'call' = 2)", ["call", "web, or 'app'"]),
    ("Tuple(String, UInt8)", [("a", 1), ("b", 2)]),
    ("Tuple(name String, tags Array(LowCardinality(String)))", [("a", ["x", "y"]), ("b", [])]),
    ("SimpleAggregateFunction(max, UInt64)", [1, 2]),
    ("IPv4", ["10.0.0.1"]),
]


@pytest.mark.parametrize("compression", [False, "lz4"])
def test_every_type_comes_back_as_it_went(connect: Connect, table: str, compression: Any) -> None:
    client = connect(compression=compression, settings={"namedtuple_as_json": False})
    columns = ", ".join(f"c{n} {kind}" for n, (kind, _) in enumerate(TYPES))
    client.execute(f"CREATE TABLE {table} (row UInt32, {columns}) ENGINE = MergeTree ORDER BY row")
    rows = [(row, *(values[row % len(values)] for _, values in TYPES)) for row in range(10)]
    assert client.execute(f"INSERT INTO {table} VALUES", rows) == 10
    back, types = client.execute(f"SELECT * FROM {table} ORDER BY row", with_column_types=True)
    assert [tuple(map(_plain, row)) for row in back] == [tuple(map(_plain, row)) for row in rows]
    assert [name for name, _ in types] == ["row", *(f"c{n}" for n in range(len(TYPES)))]
    empty, again = client.execute(f"SELECT * FROM {table} WHERE row > 99", with_column_types=True)
    assert (empty, again) == ([], types)


def _plain(value: Any) -> Any:
    return str(value) if type(value).__name__ == "IPv4Address" else value


@pytest.mark.parametrize("compression", [False, "lz4"])
def test_many_blocks_both_ways(connect: Connect, table: str, compression: Any) -> None:
    client = connect(compression=compression, settings={"insert_block_size": 1000})
    client.execute(f"CREATE TABLE {table} (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    rows = [(n, f"row {n} " + "x" * (n % 300)) for n in range(25_500)]
    assert client.execute(f"INSERT INTO {table} (s, n) VALUES", [(s, n) for n, s in rows]) == 25_500
    back = client.execute(f"SELECT n, s FROM {table} ORDER BY n", settings={"max_block_size": 700})
    assert back == rows
    assert client.last_query.profile_info.rows == 25_500
    sizes = {"max_block_size": 100}
    assert len(client.execute("SELECT number FROM numbers(25500)", settings=sizes)) == 25_500
    assert client.last_query.profile_info.blocks >= 255


def test_a_large_result_is_streamed_and_can_be_left(connect: Connect) -> None:
    client = connect()
    numbers = client.execute_iter(
        "SELECT number FROM system.numbers", settings={"max_block_size": 1000}
    )
    assert [next(numbers)[0] for _ in range(5000)] == list(range(5000))
    client.cancel()
    assert client.execute("SELECT 1") == [(1,)]


def test_a_client_that_leaves_does_not_keep_the_engine_busy(
    connect: Connect, client: Client
) -> None:
    leaving = connect()
    numbers = leaving.execute_iter("SELECT number, 'left behind' FROM system.numbers")
    next(numbers)
    leaving.disconnect()
    counting = connect()
    counting.connection.force_connect()
    counting.connection.is_query_executing = False
    counting.connection.context.settings = {}
    counting.connection.send_query("SELECT count(), 'left behind' FROM system.numbers")
    counting.connection.send_external_tables(None)
    until(lambda: _running(client, "left behind") >= 1, "the query runs")
    counting.disconnect()
    until(lambda: _running(client, "left behind") == 0, "abandoned queries end")


def test_slow_readers_hold_nobody(connect: Connect, client: Client, table: str) -> None:
    slow = [connect().execute_iter("SELECT number FROM system.numbers") for _ in range(6)]
    assert [next(numbers) for numbers in slow] == [(0,)] * 6
    client.execute(f"CREATE TABLE {table} (a UInt32) ENGINE = MergeTree ORDER BY a")
    client.execute(f"INSERT INTO {table} VALUES", [(1,)])
    assert client.execute(f"SELECT a FROM {table}") == [(1,)]
    assert [next(numbers) for numbers in slow] == [(1,)] * 6


def _running(client: Client, words: str) -> int:
    """How many queries with these words run, this one not counted."""
    queries = client.execute("SELECT query FROM system.processes")
    return sum(words in query for (query,) in queries)


def test_progress_is_reported(client: Client) -> None:
    client.execute("SELECT sum(number) FROM numbers(100000)")
    assert client.last_query.progress.rows == 100_000


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("SELECT * FROM nowhere", 60, "UNKNOWN_TABLE"),
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT nothing", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT throwIf(number = 900000) FROM numbers(1000000)", 395, "FUNCTION_THROW_IF"),
        ("SELECT 1; SELECT 2", 62, "Multi-statements"),
        ("DROP DATABASE nowhere", 81, "UNKNOWN_DATABASE"),
    ],
)
def test_errors_are_clickhouse_errors_and_leave_the_connection_usable(
    client: Client, sql: str, code: int, words: str
) -> None:
    connection = client.connection
    with pytest.raises(errors.ServerException, match=words) as caught:
        client.execute(sql)
    assert caught.value.code == code
    assert caught.value.message.startswith("DB::Exception: ")
    assert client.execute("SELECT 1") == [(1,)]
    assert client.connection is connection


def test_the_same_socket_is_usable_after_an_error(client: Client) -> None:
    """clickhouse-driver reconnects after an error; the server would not ask it to."""
    connection = client.connection
    connection.force_connect()
    connection.context.settings = {}
    for sql, expected in (("SELECT * FROM nowhere", 2), ("INSERT INTO nowhere VALUES", 2)):
        connection.send_query(sql)
        connection.send_external_tables(None)
        assert connection.receive_packet().type == expected
    connection.is_query_executing = False
    assert connection.ping()
    assert client.execute("SELECT 7") == [(7,)]


def test_insert_errors_have_their_codes(client: Client, table: str) -> None:
    client.execute(f"CREATE TABLE {table} (a UInt32) ENGINE = MergeTree ORDER BY a")
    for sql, code in ((f"INSERT INTO {table} (b) VALUES", 16), ("INSERT INTO nowhere VALUES", 60)):
        with pytest.raises(errors.ServerException) as caught:
            client.execute(sql, [(1,)])
        assert caught.value.code == code
    client.execute(f"CREATE TABLE {table}_agg (a AggregateFunction(sum, UInt8)) ENGINE = Memory")
    with pytest.raises(errors.ServerException) as caught:
        client.execute(f"INSERT INTO {table}_agg VALUES", [(1,)])
    assert caught.value.code == 48


def test_ping(client: Client) -> None:
    client.connection.connect()
    assert client.connection.ping()


def test_wrong_account(connect: Connect) -> None:
    for options in ({"password": "wrong"}, {"user": "somebody"}, {"password": ""}):
        with pytest.raises(errors.ServerException) as caught:
            connect(**options).execute("SELECT 1")
        assert caught.value.code == 516
        assert "AUTHENTICATION_FAILED" in caught.value.message


def test_unknown_database(connect: Connect) -> None:
    with pytest.raises(errors.ServerException) as caught:
        connect(database="nowhere").execute("SELECT 1")
    assert caught.value.code == 81


def test_the_database_belongs_to_the_connection(connect: Connect, client: Client) -> None:
    client.execute("CREATE DATABASE IF NOT EXISTS shop")
    inside = connect(database="shop")
    inside.execute("CREATE TABLE IF NOT EXISTS orders (id UInt32) ENGINE = MergeTree ORDER BY id")
    inside.execute("INSERT INTO orders (id) VALUES", [(1,), (2,)])
    assert client.execute("SELECT count() FROM shop.orders") == [(2,)]
    with pytest.raises(errors.ServerException):
        client.execute("SELECT count() FROM orders")
    client.execute("USE shop")
    assert client.execute("SELECT count() FROM orders") == [(2,)]
    assert connect().execute("SELECT currentDatabase()") == [("default",)]


SETTING = "SELECT toString(getSetting('max_threads'))"


def test_settings_hold_for_one_query(connect: Connect, client: Client) -> None:
    default = client.execute(SETTING)
    assert client.execute(SETTING, settings={"max_threads": 7, "unknown_one": 1}) == [("7",)]
    assert client.execute(SETTING) == default == connect().execute(SETTING)
    client.execute("SET max_threads = 5")
    assert client.execute(SETTING, settings={"max_threads": 6}) == [("6",)]
    assert client.execute(SETTING) == [("5",)]
    assert connect().execute(SETTING) == default


def test_bad_settings_are_refused(connect: Connect, client: Client) -> None:
    with pytest.raises(errors.ServerException):
        client.execute(SETTING, settings={"max_threads": "many"})
    strict = connect(settings_is_important=True)
    with pytest.raises(errors.ServerException) as caught:
        strict.execute(SETTING, settings={"unknown_one": 1})
    assert caught.value.code == 115


def test_readonly_for_one_query(client: Client, table: str) -> None:
    with pytest.raises(errors.ServerException) as caught:
        client.execute(f"CREATE TABLE {table} (a UInt8) ENGINE = Memory", settings={"readonly": 1})
    assert caught.value.code == 164
    client.execute("SELECT 1", settings={"readonly": 1})
    client.execute(f"CREATE TABLE {table} (a UInt8) ENGINE = Memory")


def test_parameters_of_the_driver(client: Client) -> None:
    words = "it's \\ 대화"
    assert client.execute("SELECT %(words)s, %(n)s", {"words": words, "n": 3}) == [(words, 3)]


def test_statements_without_client_data(client: Client, table: str) -> None:
    client.execute(f"CREATE TABLE {table} (a UInt32, b String) ENGINE = MergeTree ORDER BY a")
    client.execute(f"INSERT INTO {table} SELECT number, toString(number) FROM numbers(10)")
    client.execute(f"INSERT INTO {table} (a, b) VALUES (10, 'it''s'), (5 + 6, upper('x'))")
    client.execute(f"-- a comment\nINSERT INTO {table} WITH 12 AS x SELECT x, 'with'")
    assert client.execute(f"SELECT count(), max(a) FROM {table}") == [(13, 12)]
    assert client.execute(f"SELECT b FROM {table} WHERE a IN (10, 11) ORDER BY a") == [
        ("it's",),
        ("X",),
    ]
    assert client.execute(f"SHOW TABLES LIKE '{table}'") == [(table,)]
    nothing, types = client.execute("SHOW TABLES LIKE 'nowhere'", with_column_types=True)
    assert (nothing, types) == ([], [("name", "String")])
    assert client.execute(f"EXISTS TABLE {table}") == [(1,)]
    assert client.execute(f"SELECT a FROM {table} WHERE a = 1 FORMAT JSON;") == [(1,)]
    assert client.execute(f"DESCRIBE TABLE {table}")[0][:2] == ("a", "UInt32")


def test_views_materialized_columns_and_defaults(client: Client, table: str) -> None:
    client.execute(
        f"CREATE TABLE {table} (a UInt32, b String DEFAULT 'none', "
        "c UInt32 MATERIALIZED a * 2, d String ALIAS b) ENGINE = MergeTree ORDER BY a"
    )
    client.execute(f"CREATE VIEW {table}_v AS SELECT a, b, c, d FROM {table}")
    client.execute(f"INSERT INTO {table} VALUES", [(1, "x")])
    client.execute(f"INSERT INTO {table} (a) VALUES", [(2,)])
    assert client.execute(f"SELECT * FROM {table}_v ORDER BY a") == [
        (1, "x", 2, "x"),
        (2, "none", 4, "none"),
    ]


def test_temporary_tables_belong_to_the_connection(connect: Connect, client: Client) -> None:
    client.execute("CREATE TEMPORARY TABLE mine (a UInt8)")
    client.execute("INSERT INTO mine VALUES", [(1,)])
    assert client.execute("SELECT a FROM mine") == [(1,)]
    with pytest.raises(errors.ServerException):
        connect().execute("SELECT a FROM mine")


def test_a_token_stores_the_same_blocks_once(connect: Connect, client: Client, table: str) -> None:
    client.execute(
        f"CREATE TABLE {table} (a UInt32) ENGINE = MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    rows = [(n % 50,) for n in range(2_500)]

    def insert(token: str, sender: Client) -> int:
        token_of = {"insert_deduplication_token": token, "insert_block_size": 1000}
        sender.execute(f"INSERT INTO {table} (a) VALUES", rows, settings=token_of)
        return int(client.execute(f"SELECT count() FROM {table}")[0][0])

    assert insert("partition 3, offset 7", client) == 2_500
    assert insert("partition 3, offset 7", client) == 2_500
    assert insert("partition 3, offset 7", connect(compression="lz4")) == 2_500
    assert insert("partition 3, offset 8", client) == 5_000


def test_a_broken_off_insert_stores_nothing(connect: Connect, client: Client, table: str) -> None:
    client.execute(f"CREATE TABLE {table} (a UInt32) ENGINE = MergeTree ORDER BY a")

    def rows() -> Iterator[tuple[int]]:
        yield from ((n,) for n in range(5_000))
        raise ConnectionAbortedError

    leaving = connect(settings={"insert_block_size": 1000})
    with pytest.raises(ConnectionAbortedError):
        leaving.execute(f"INSERT INTO {table} VALUES", rows())
    client.execute(f"INSERT INTO {table} VALUES", [(1,)])
    assert client.execute(f"SELECT count() FROM {table}") == [(1,)]


def test_a_stalled_insert_holds_nobody(connect: Connect, client: Client, table: str) -> None:
    client.execute(f"CREATE TABLE {table} (a UInt32) ENGINE = MergeTree ORDER BY a")
    started, no_fault = threading.Event(), threading.Event()

    def rows() -> Iterator[tuple[int]]:
        yield from ((n,) for n in range(2_000))
        started.set()
        assert no_fault.wait(30)
        yield (2_000,)

    stalling = connect(settings={"insert_block_size": 1000})
    with ThreadPoolExecutor(1) as pool:
        insert = pool.submit(stalling.execute, f"INSERT INTO {table} VALUES", rows())
        assert started.wait(30)
        assert client.execute(f"SELECT count() FROM {table}") == [(0,)]
        client.execute(f"INSERT INTO {table} VALUES", [(1,)])
        no_fault.set()
        assert insert.result(30) == 2_001
    assert client.execute(f"SELECT count() FROM {table}") == [(2_002,)]


def test_too_large_an_insert_is_refused_whole(connect: Connect, client: Client, table: str) -> None:
    client.execute(f"CREATE TABLE {table} (s String) ENGINE = MergeTree ORDER BY tuple()")
    large = connect(compression="lz4", settings={"insert_block_size": 10})
    with pytest.raises(errors.ServerException) as caught:
        large.execute(f"INSERT INTO {table} VALUES", [("x" * 1_000_000,)] * 41)
    assert caught.value.code == 307
    # More than is kept in memory, less than the limit: it goes over the disk.
    assert large.execute(f"INSERT INTO {table} VALUES", [("x" * 1_000_000,)] * 38) == 38
    assert client.execute(f"SELECT count(), sum(length(s)) FROM {table}") == [(38, 38_000_000)]


def test_twenty_clients_at_once(connect: Connect, client: Client, table: str) -> None:
    client.execute(f"CREATE TABLE {table} (who UInt32, n UInt32) ENGINE = MergeTree ORDER BY who")

    def one(who: int) -> int:
        mine = connect(compression="lz4" if who % 2 else False)
        for turn in range(5):
            mine.execute(f"INSERT INTO {table} VALUES", [(who, turn * 100 + n) for n in range(100)])
        found = mine.execute(f"SELECT count() FROM {table} WHERE who = %(who)s", {"who": who})
        mine.disconnect()
        return int(found[0][0])

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(one, range(20))) == [500] * 20


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00" + b"\xff" * 40,
        b"\x01\x00\x00\x00",
        b"\x00\x01a\x01\x01\xff\xff\xff\xff\x0f",
    ],
)
def test_a_malformed_packet_closes_only_its_connection(
    server: ClickHouseProcess, client: Client, garbage: bytes
) -> None:
    client.execute("SELECT 1")
    with socket.create_connection((server.host, server.port)) as raw:
        raw.sendall(garbage)
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(10)
        while raw.recv(4096):
            pass
    assert client.execute("SELECT 2") == [(2,)]


@pytest.mark.parametrize("compression", [False, "lz4"])
def test_a_malformed_block_closes_only_its_connection(
    connect: Connect, client: Client, table: str, compression: Any
) -> None:
    client.execute(f"CREATE TABLE {table} (s String) ENGINE = MergeTree ORDER BY s")
    bad = connect(compression=compression)
    connection = bad.connection
    connection.force_connect()
    connection.context.settings = {}
    connection.send_query(f"INSERT INTO {table} VALUES")
    connection.send_external_tables(None)
    assert connection.receive_packet().type == 1
    write_varint(2, connection.fout)
    write_binary_str("", connection.fout)
    connection.fout.write(b"\x07" + b"\xfe" * 100)
    connection.fout.flush()
    packet = connection.receive_packet()
    assert packet.exception.code == 101
    with pytest.raises(EOFError):
        connection.receive_packet()
    assert client.execute(f"SELECT count() FROM {table}") == [(0,)]


def test_data_survives_a_restart(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    first = launch(directory, tmp_path / "log", Access(password=PASSWORD))
    client = Client(first.host, port=first.port, password=PASSWORD)
    client.execute("CREATE DATABASE kept")
    client.execute("CREATE TABLE kept.t (a UInt32) ENGINE = MergeTree ORDER BY a")
    client.execute("CREATE TABLE in_default (a UInt32) ENGINE = MergeTree ORDER BY a")
    client.execute("INSERT INTO kept.t VALUES", [(1,), (2,)])
    client.execute("INSERT INTO in_default VALUES", [(3,)])
    with pytest.raises(LaunchError, match=rf"data is in use by process {first.process.pid}\.$"):
        launch(directory, tmp_path / "second.log")
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(20) == 0
    second = launch(directory, tmp_path / "log", Access(password=PASSWORD))
    again = Client(second.host, port=second.port, password=PASSWORD)
    assert again.execute("SELECT a FROM kept.t ORDER BY a") == [(1,), (2,)]
    assert again.execute("SELECT a FROM in_default") == [(3,)]
    again.execute("INSERT INTO kept.t VALUES", [(4,)])
    # Killed, it keeps what it acknowledged, and leaves no lock behind.
    second.process.kill()
    second.process.wait()
    second = launch(directory, tmp_path / "log", Access(password=PASSWORD))
    again = Client(second.host, port=second.port, password=PASSWORD)
    assert again.execute("SELECT a FROM kept.t ORDER BY a") == [(1,), (2,), (4,)]
    # A running query ends with the server, an idle client does not hold it.
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            Client(second.host, port=second.port, password=PASSWORD).execute,
            "SELECT sum(sleep(1)) FROM numbers(2)",
        )
        until(lambda: _running(again, "sleep(1)") == 1, "the query runs")
        assert second.stop() == 0
        assert running.result(10) == [(0,)]


def test_http_ping(http: httpx.Client) -> None:
    assert (http.get("/ping").text, http.get("/").text) == ("Ok.\n", "Ok.\n")


def test_http_select(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1, 'a\tb'"}).text == "1\ta\\tb\n"
    answer = http.post("/", content="SELECT number AS n FROM numbers(2) FORMAT JSONEachRow")
    assert answer.text == '{"n":0}\n{"n":1}\n'
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    parameters = {
        "query": "SELECT {a:UInt8} + 1 AS x, {s:String} AS s",
        "param_a": "3",
        "param_s": "대화",
    }
    parameters["default_format"] = "JSONCompact"
    whole = http.get("/", params=parameters).json()
    assert (whole["data"], whole["meta"][0]["name"], whole["rows"]) == ([[4, "대화"]], "x", 1)
    assert http.post("/", params={"query": "SELECT 1 WHERE 0"}).text == ""
    counted = "SELECT number FROM numbers(300000) FORMAT CSVWithNames"
    assert http.post("/", content=counted).text.count("\n") == 300_001
    settings = {"query": SETTING, "max_threads": "3"}
    assert http.get("/", params=settings).text == "3\n"


def test_http_streams_large_results(http: httpx.Client) -> None:
    query = {"query": "SELECT number FROM system.numbers"}
    with http.stream("GET", "/", params=query) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(100_000)][-1] == "99999"
    assert http.get("/", params={"query": "SELECT 1"}).text == "1\n"


def test_http_late_errors_break_the_response(http: httpx.Client) -> None:
    query = {"query": "SELECT throwIf(number = 900000) FROM numbers(1000000)"}
    received = b""
    with pytest.raises(httpx.RemoteProtocolError), http.stream("GET", "/", params=query) as answer:
        for piece in answer.iter_bytes():
            received += piece
    assert b"Code: 395. DB::Exception: " in received[-1000:]


def test_http_insert(http: httpx.Client, client: Client, table: str) -> None:
    client.execute("CREATE DATABASE IF NOT EXISTS http")
    client.execute(f"CREATE TABLE http.{table} (a UInt32, b String) ENGINE = MergeTree ORDER BY a")
    inside = {"database": "http"}
    into = {**inside, "query": f"INSERT INTO {table} FORMAT JSONEachRow"}
    assert http.post("/", params=into, content='{"a":1,"b":"대"}\n{"a":2,"b":"화"}').text == ""
    body = f'INSERT INTO {table} (b, a) FORMAT CSV\n"대화",3\nx,4\n'
    assert http.post("/", params=inside, content=body).status_code == 200
    assert http.post("/", params=inside, content=f"INSERT INTO {table} VALUES (5, 'v')").text == ""
    tsv = {**inside, "query": f"INSERT INTO {table} FORMAT TSV"}
    packed = gzip.compress("".join(f"{n}\tpacked\n" for n in range(6, 10_000)).encode())
    answer = http.post("/", params=tsv, content=packed, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 200
    assert client.execute(f"SELECT count(), sum(a) FROM http.{table}") == [(9_999, 49_995_000)]
    three = client.execute(f"SELECT b FROM http.{table} WHERE a < 4 ORDER BY a")
    assert three == [("대",), ("화",), ("대화",)]


def test_http_errors(http: httpx.Client, client: Client, table: str) -> None:
    for sql, code, status in (
        ("SELECT * FROM nowhere", "60", 404),
        ("SELECT (", "62", 400),
        ("SELECT throwIf(1)", "395", 500),
        ("SELECT 1 FORMAT Nothing", "73", 400),
    ):
        answer = http.post("/", content=sql)
        assert (answer.headers["X-ClickHouse-Exception-Code"], answer.status_code) == (code, status)
        assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    answer = http.post("/", params={"unknown_setting": "1"}, content="SELECT 1")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "115"
    client.execute(f"CREATE TABLE {table} (a UInt8) ENGINE = Memory")
    for sql in (f"DROP TABLE {table}", f"INSERT INTO {table} VALUES (1)"):
        answer = http.get("/", params={"query": sql})
        assert answer.headers["X-ClickHouse-Exception-Code"] == "164"


def test_http_accounts(server: ClickHouseProcess) -> None:
    base = f"http://{server.host}:{server.http_port}/?query=SELECT+1"
    basic = base64.b64encode(f"default:{PASSWORD}".encode()).decode()
    assert httpx.get(f"{base}&user=default&password={PASSWORD}").text == "1\n"
    assert httpx.get(base, headers={"Authorization": f"Basic {basic}"}).text == "1\n"
    for refused in (base, f"{base}&password=wrong", f"{base}&user=x&password={PASSWORD}"):
        answer = httpx.get(refused)
        assert (answer.headers["X-ClickHouse-Exception-Code"], answer.status_code) == ("516", 403)
    assert httpx.get(base, headers={"Authorization": "Basic %%%"}).status_code == 403
