"""What a client of the embedded ClickHouse cannot do: files, connections, programs, another origin.

The engine runs as the operator, so each of these would be done with the operator's rights.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, launch

PASSWORD, DASHBOARD = "of-the-writer", "of-the-dashboard"
DENIED, READONLY = 497, 164


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    started = launch(
        folder / "data",
        folder / "log",
        Access(password=PASSWORD, dashboard_password=DASHBOARD),
    )
    client = Client.from_url(started.url)
    client.execute("CREATE TABLE held (a UInt32) ENGINE = MergeTree ORDER BY a")
    client.execute("INSERT INTO held VALUES", [(1,)])
    client.disconnect()
    yield started
    started.stop()


@pytest.fixture
def client(server: ClickHouseProcess) -> Iterator[Client]:
    opened = Client.from_url(server.url)
    yield opened
    opened.disconnect()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the operator's."""
    path = tmp_path / "secret.csv"
    path.write_text("of-the-operator\n", encoding="utf-8")
    return path


READS = (
    "SELECT * FROM file('{path}', 'LineAsString')",
    "SELECT file('{path}')",
    "SELECT `file`('{path}')",
    "SELECT \"file\" /* so */ ('{path}')",
    "SELECT * FROM (SELECT * FROM file('{path}', 'LineAsString'))",
    "CREATE VIEW {name} AS SELECT * FROM file('{path}', 'LineAsString')",
    "CREATE TABLE {name} (a String) ENGINE = File('LineAsString', '{path}')",
    "CREATE TABLE {name} AS file('{path}', 'LineAsString')",
    "INSERT INTO held FROM INFILE '{path}' FORMAT CSV",
    "SELECT * FROM url('file://{path}', 'LineAsString')",
    "DESCRIBE TABLE file('{path}', 'LineAsString')",
    "SELECT 1 AS a FORMAT Template SETTINGS format_template_row = '{path}'",
    "CREATE DICTIONARY {name} (a String) PRIMARY KEY a SOURCE(FILE(path '{path}' format 'CSV')) "
    "LAYOUT(FLAT()) LIFETIME(1)",
    "CREATE DATABASE {name} ENGINE = Filesystem('/')",
    "ATTACH TABLE {name} FROM '{path}' (a String) ENGINE = File(CSV)",
)


@pytest.mark.parametrize("statement", READS)
def test_no_file_is_read(client: Client, secret: Path, statement: str) -> None:
    name = f"n_{uuid.uuid4().hex[:8]}"
    with pytest.raises(ServerException) as refused:
        answer = client.execute(statement.format(path=secret, name=name))
        assert "of-the-operator" not in str(answer)
        client.execute(f"SELECT * FROM {name}")
    assert "of-the-operator" not in str(refused.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 INTO OUTFILE '{path}'",
        "SELECT 1 into /* so */ outfile '{path}' FORMAT CSV",
        "INSERT INTO FUNCTION file('{path}', 'CSV', 'a UInt32') SELECT 1",
        "INSERT INTO TABLE FUNCTION file('{path}', 'CSV', 'a UInt32') SELECT 1",
        "BACKUP TABLE held TO File('{path}')",
        "BACKUP TABLE held TO Disk('default', '{path}')",
    ],
)
def test_no_file_is_written(client: Client, tmp_path: Path, statement: str) -> None:
    path = tmp_path / "written"
    with pytest.raises(ServerException):
        client.execute(statement.format(path=path))
    assert not path.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "INSERT INTO FUNCTION url('http://127.0.0.1:1/', 'CSV', 'a UInt32') SELECT 1",
        "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
        "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/b', 'CSV')",
        "CREATE TABLE n_url (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
        "CREATE TABLE n_kafka (a String) ENGINE = Kafka('127.0.0.1:1', 't', 'g', 'CSV')",
    ],
)
def test_no_connection_is_opened(client: Client, statement: str) -> None:
    with pytest.raises(ServerException) as refused:
        client.execute(statement)
    assert refused.value.code == DENIED


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM executable('id', 'TSV', 'a String')",
        "CREATE FUNCTION n_f AS (a) -> a",
        "CREATE USER n_u IDENTIFIED BY 'x'",
        "GRANT ALL ON *.* TO default",
        "SYSTEM SHUTDOWN",
        "CREATE NAMED COLLECTION n_c AS a = 'b'",
    ],
)
def test_nothing_is_run_and_nobody_is_let_in(client: Client, statement: str) -> None:
    with pytest.raises(ServerException):
        client.execute(statement)


def test_what_is_called_like_a_file_function_is_only_text(client: Client) -> None:
    assert client.execute("SELECT 'file(1) INTO OUTFILE' AS file -- file('x')") == [
        ("file(1) INTO OUTFILE",)
    ]


def test_nobody_without_a_password(server: ClickHouseProcess) -> None:
    for user, password in (("default", ""), ("dashboard", ""), ("default", DASHBOARD)):
        with pytest.raises(ServerException) as refused:
            Client(server.host, port=server.port, user=user, password=password).execute("SELECT 1")
        assert refused.value.code == 516


def test_dashboards_read_and_change_nothing(server: ClickHouseProcess) -> None:
    reader = Client(server.host, port=server.port, user="dashboard", password=DASHBOARD)
    assert reader.execute("SELECT a FROM held") == [(1,)]
    for statement in ("INSERT INTO held SELECT 2", "DROP TABLE held", "SET readonly = 0"):
        with pytest.raises(ServerException) as refused:
            reader.execute(statement)
        assert refused.value.code == READONLY
    assert reader.execute("SELECT a FROM held", settings={"max_threads": 1}) == [(1,)]
    reader.disconnect()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "rebound.example:8123"},
        {"Host": "evil.example"},
    ],
)
def test_a_web_page_of_another_origin_is_refused(
    server: ClickHouseProcess, headers: dict[str, str]
) -> None:
    url = f"http://{server.host}:{server.http_port}/?query=SELECT+1"
    asked = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORD}
    assert httpx.get(url, headers=asked).text == "1\n"
    answer = httpx.get(url, headers={**asked, **headers})
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "497")
