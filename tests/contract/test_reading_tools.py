"""The tools that analysts read with, unmodified, against the embedded engine: they connect, write
and read by every compression that they have."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import clickhouse_connect
import polars
import pytest
import sqlalchemy
from clickhouse_connect.driver.exceptions import DatabaseError

from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, launch

HERE = Path(__file__).parent / "readers"
AT = datetime(2024, 1, 1, 12, 30, 0, 123_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    access = Access(password="s3cret", dashboard_password="dash")
    started = launch(folder / "data", folder / "log", access)
    yield started
    assert started.stop() == 0, (folder / "log").read_text()


@pytest.fixture
def table() -> str:
    """A name no other test uses."""
    return f"t_{uuid4().hex[:12]}"


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_clickhouse_connect(server: ClickHouseProcess, table: str, compress: str | bool) -> None:
    client = clickhouse_connect.get_client(
        host=server.host, port=server.http_port, password=server.password, compress=compress
    )
    client.command(
        f"CREATE TABLE {table} (a UInt32, b LowCardinality(String), c Array(String),"
        " d Nullable(Float64), e DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY a"
    )
    rows = [[number, "대화", ["x", "y"], None, AT] for number in range(50_000)]
    assert client.insert(table, rows).written_rows == len(rows)
    found = client.query(f"SELECT * FROM {table} ORDER BY a")
    assert len(found.result_rows) == len(rows)
    assert found.result_rows[7] == (7, "대화", ["x", "y"], None, AT.replace(tzinfo=None))
    counted = client.query(f"SELECT sum(a) FROM {table}")
    assert counted.summary["read_rows"] == str(len(rows))
    with client.query_row_block_stream(f"SELECT a FROM {table}") as blocks:
        assert sum(len(block) for block in blocks) == len(rows)
    with pytest.raises(DatabaseError, match="UNKNOWN_IDENTIFIER"):
        client.query(f"SELECT nothing FROM {table}")
    client.close()


def test_data_frames_have_the_types_of_the_columns(server: ClickHouseProcess, table: str) -> None:
    client = clickhouse_connect.get_client(
        host=server.host, port=server.http_port, password=server.password
    )
    client.command(
        f"CREATE TABLE {table} (a UInt32, b LowCardinality(String), c Array(String),"
        " d Nullable(Float64), e DateTime64(3, 'UTC'), f Decimal(18, 2), g Date)"
        " ENGINE = MergeTree ORDER BY a"
    )
    client.command(
        f"INSERT INTO {table} VALUES"
        f" (1, '대화', ['x'], 0.5, '{AT:%F %T.123}', 12.34, '2024-02-29'),"
        f" (2, '', [], NULL, '{AT:%F %T.123}', -1, '1970-01-01')"
    )
    query = f"SELECT * FROM {table} ORDER BY a"
    rows = [
        (1, "대화", ["x"], 0.5, AT, Decimal("12.34"), date(2024, 2, 29)),
        (2, "", [], None, AT, Decimal("-1.00"), date(1970, 1, 1)),
    ]

    arrow = client.query_arrow(f"SELECT * REPLACE (toDate32(g) AS g) FROM ({query})")
    assert [tuple(row.values()) for row in arrow.to_pylist()] == rows
    frame = polars.from_arrow(arrow)
    assert isinstance(frame, polars.DataFrame)
    assert frame.rows() == rows
    assert frame.schema["f"] == polars.Decimal(18, 2)

    table_of_pandas = client.query_df(query)
    # clickhouse-connect gives times of UTC without a zone.
    assert table_of_pandas["e"].tolist() == [AT.replace(tzinfo=None)] * 2
    assert table_of_pandas["a"].dtype == "uint32"
    assert table_of_pandas["d"].isna().tolist() == [False, True]
    assert table_of_pandas["g"].dt.date.tolist() == [date(2024, 2, 29), date(1970, 1, 1)]
    client.close()


def test_sqlalchemy_reads_tables_and_columns(server: ClickHouseProcess, table: str) -> None:
    account = f"default:{server.password}@{server.host}:{server.http_port}"
    engine = sqlalchemy.create_engine(f"clickhousedb://{account}/default")
    with engine.connect() as connection:
        connection.execute(
            sqlalchemy.text(
                f"CREATE TABLE {table} (a UInt32, b String) ENGINE = MergeTree ORDER BY a"
            )
        )
        found = connection.execute(
            sqlalchemy.text("SELECT number + :more FROM numbers(3)"), {"more": 4}
        )
        assert [row[0] for row in found] == [4, 5, 6]
    inspector = sqlalchemy.inspect(engine)
    assert table in inspector.get_table_names()
    assert [column["name"] for column in inspector.get_columns(table)] == ["a", "b"]
    engine.dispose()


def test_dashboards_read_and_do_not_write(server: ClickHouseProcess, table: str) -> None:
    client = clickhouse_connect.get_client(
        host=server.host, port=server.http_port, username="dashboard", password="dash"
    )
    assert client.query("SELECT 1").result_rows == [(1,)]
    with pytest.raises(DatabaseError, match="READONLY"):
        client.command(f"CREATE TABLE {table} (a UInt8) ENGINE = Memory")
    client.close()


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("mvn") is None or shutil.which("java") is None, reason="needs Java and Maven"
)
@pytest.mark.parametrize(
    "options",
    [(), ("decompress=true",), ("client.use_http_compression=true",), ("compress=false",)],
    ids=["as it is", "both ways", "by http", "plain"],
)
def test_jdbc(
    server: ClickHouseProcess, table: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    jars = tmp_path / "jars"
    subprocess.run(
        ["mvn", "-q", "-B", "-f", str(HERE / "jdbc" / "pom.xml"), "dependency:copy-dependencies",
         f"-DoutputDirectory={jars}"],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    url = f"jdbc:clickhouse://{server.host}:{server.http_port}/default"
    said = subprocess.run(
        ["java", "-cp", f"{jars}/*", str(HERE / "jdbc" / "Reader.java"), url, server.user,
         server.password, table, *options],
        check=True, capture_output=True, text=True, timeout=120,
    ).stdout.splitlines()  # fmt: skip
    assert int(said[0].removeprefix("version ")) >= 26
    assert said[1:] == [
        "written 2",
        "read 50 대화99",
        "streamed 300000",
        "table of a test",
        "column UInt32 a number",
        "error 47",
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
@pytest.mark.parametrize(
    ("protocol", "compression"),
    [("http", method) for method in ("none", "lz4", "zstd", "gzip")]
    + [("native", method) for method in ("none", "lz4", "zstd")],
)
def test_clickhouse_go(
    server: ClickHouseProcess, table: str, protocol: str, compression: str, tmp_path: Path
) -> None:
    program = tmp_path / "reader"
    subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=HERE / "go", check=True,
        capture_output=True, timeout=300,
    )  # fmt: skip
    port = server.http_port if protocol == "http" else server.port
    said = subprocess.run(
        [str(program), protocol, f"{server.host}:{port}", server.user, server.password,
         compression, table],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout.splitlines()  # fmt: skip
    assert said == ["read 1000", "more false <nil>"]
