"""`system.query_log` of the embedded ClickHouse: what was asked, by which account, and its cost."""

from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, launch

FINISHED = (
    "SELECT type, read_rows, exception_code, splitByChar(' ', log_comment)[2] FROM system.query_log"
    " WHERE query LIKE '%{}%' AND query NOT LIKE '%query_log%'"
    " AND type != 'QueryStart'"
)


def connect(server: ClickHouseProcess, user: str, password: str) -> Client:
    return clickhouse_connect.get_client(
        host=server.host, port=server.http_port, username=user, password=password
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    access = Access(password="s3cret", dashboard_password="dash")
    started = launch(folder / "data", folder / "log", access)
    yield started
    assert started.stop() == 0, (folder / "log").read_text()


def test_the_query_log_is_there_before_the_first_query(server: ClickHouseProcess) -> None:
    admin = connect(server, "default", "s3cret")
    assert admin.query("EXISTS TABLE system.query_log").result_rows == [(1,)]


def test_the_query_log_names_account_cost_and_failure(server: ClickHouseProcess) -> None:
    dashboard = connect(server, "dashboard", "dash")
    dashboard.query("SELECT sum(number) FROM numbers(1000) WHERE 'counted' != ''")
    with pytest.raises(DatabaseError):
        dashboard.query("SELECT throwIf(number = 7, 'failed here') FROM numbers(1000)")
    admin = connect(server, "default", "s3cret")
    admin.command("SYSTEM FLUSH LOGS")
    counted = [("QueryFinish", 1000, 0, "dashboard")]
    assert admin.query(FINISHED.format("counted")).result_rows == counted
    ((kind, _, code, account),) = admin.query(FINISHED.format("failed here")).result_rows
    assert (kind, code, account) == ("ExceptionWhileProcessing", 395, "dashboard")
