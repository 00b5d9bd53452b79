"""HTTP sessions of the embedded ClickHouse: requests with one `session_id`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from infra.embedded.clickhouse.http_sessions import MAX_SESSIONS
from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, launch
from tests.harness.waiting import wait_until

SECRETS = Access(password="s3cret", dashboard_password="l00k")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log", SECRETS)
    yield server
    assert server.stop() == 0, Path(folder / "log").read_text()


class Http:
    def __init__(self, server: ClickHouseProcess, user: str = "default", key: str = "s3cret"):
        self.client = httpx.Client(
            base_url=f"http://{server.host}:{server.http_port}",
            headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": key},
            timeout=30,
        )

    def post(self, sql: str, session: str = "", **parameters: str) -> httpx.Response:
        return self.client.post("/", content=sql, params=self._all(session, parameters))

    def get(self, sql: str, session: str = "", **parameters: str) -> httpx.Response:
        return self.client.get("/", params={"query": sql, **self._all(session, parameters)})

    def text(self, sql: str, session: str = "", **parameters: str) -> str:
        answer = self.post(sql, session, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.text

    def _all(self, session: str, parameters: dict[str, str]) -> dict[str, str]:
        return {**({"session_id": session} if session else {}), **parameters}


@pytest.fixture
def http(server: ClickHouseProcess) -> Iterator[Http]:
    http = Http(server)
    yield http
    http.client.close()


def code_of(answer: httpx.Response) -> str:
    return answer.headers.get("X-ClickHouse-Exception-Code", "")


def test_temporary_tables_and_settings_stay_for_the_session(http: Http) -> None:
    http.text("CREATE TEMPORARY TABLE mine (a UInt8)", "s1")
    http.text("INSERT INTO mine VALUES (7)", "s1")
    http.text("SET max_block_size = 123", "s1")
    assert http.text("SELECT a FROM mine", "s1") == "7\n"
    assert http.text("SELECT getSetting('max_block_size')", "s1") == "123\n"
    # Not for another session, and not for a request without one.
    assert http.post("SELECT a FROM mine", "s2").status_code == 404
    assert http.post("SELECT a FROM mine").status_code == 404
    # Nor does a setting of one request stay.
    http.text("SELECT 1", "s1", max_threads="3")
    assert http.text("SELECT getSetting('max_threads') = 3", "s1") == "0\n"


def test_a_get_reads_in_a_session_and_changes_nothing(http: Http) -> None:
    http.text("CREATE TEMPORARY TABLE mine (a UInt8)", "get")
    assert http.get("SELECT count() FROM mine", "get").text == "0\n"
    for statement in ("CREATE TABLE t2 (a UInt8) ENGINE = Memory", "INSERT INTO mine VALUES (1)",
                      "SET max_block_size = 5", "WITH 1 AS x SELECT x"):  # fmt: skip
        assert code_of(http.get(statement, "get")) == "164"
    assert http.text("SELECT count() FROM mine", "get") == "0\n"


def test_nobody_finds_the_session_of_another_user(server: ClickHouseProcess, http: Http) -> None:
    http.text("CREATE TEMPORARY TABLE secret (a UInt8)", "shared")
    other = Http(server, "dashboard", "l00k")
    assert other.post("SELECT a FROM secret", "shared").status_code == 404
    assert code_of(other.post("CREATE TABLE t3 (a UInt8) ENGINE = Memory", "shared")) == "164"
    other.client.close()


def test_a_session_serves_one_request_at_a_time(server: ClickHouseProcess, http: Http) -> None:
    other = Http(server)
    with _endless(http, "busy"):
        answer = other.post("SELECT 2", "busy")
        assert code_of(answer) == "373"
        assert "used by another request" in answer.text
        assert other.text("SELECT 2", "another") == "2\n"
    other.client.close()


@contextmanager
def _endless(http: Http, session: str) -> Iterator[None]:
    """While an answer without an end is being read."""
    sql = "SELECT number FROM system.numbers FORMAT TSV"
    with http.client.stream("POST", "/", content=sql, params={"session_id": session}) as answer:
        pieces = answer.iter_bytes()  # httpx closes the answer with the last reference to it
        next(pieces)
        yield


def test_a_session_that_is_not_there_or_is_over_is_not_found(http: Http) -> None:
    assert code_of(http.post("SELECT 1", "never", session_check="1")) == "372"
    http.text("SELECT 1", "once")
    assert http.text("SELECT 1", "once", session_check="1") == "1\n"
    http.text("SELECT 1", "once", close_session="1")
    assert code_of(http.post("SELECT 1", "once", session_check="1")) == "372"
    http.text("SELECT 1", "short", session_timeout="1")
    again = {"session_check": "1", "session_timeout": "1"}
    # Each request keeps the session for another second, so it is asked less often than that.
    wait_until(lambda: code_of(http.post("SELECT 1", "short", **again)) == "372", every=1.2)


@pytest.mark.parametrize("given", ["0", "3601", "-1", "soon", "9" * 30])
def test_a_timeout_that_is_none_is_refused(http: Http, given: str) -> None:
    answer = http.post("SELECT 1", "odd", session_timeout=given)
    assert (answer.status_code, code_of(answer)) == (400, "374")


def test_a_client_that_leaves_its_answer_ends_the_session(http: Http) -> None:
    http.text("CREATE TEMPORARY TABLE mine (a UInt8)", "left")
    with _endless(http, "left"):
        pass
    wait_until(lambda: code_of(http.post("SELECT 1", "left", session_check="1")) == "372")


def test_a_client_that_leaves_before_its_answer_begins_frees_the_session(http: Http) -> None:
    sql = "SELECT sleepEachRow(0.5), number FROM numbers(2) SETTINGS max_block_size = 1 FORMAT TSV"
    with pytest.raises(httpx.ReadTimeout):
        http.client.post("/", content=sql, params={"session_id": "gone"}, timeout=0.2)
    wait_until(lambda: code_of(http.post("SELECT 1", "gone")) != "373")


def test_the_session_that_was_idle_longest_makes_room(http: Http) -> None:
    for number in range(MAX_SESSIONS + 1):
        http.text("SELECT 1", f"many-{number}")
    assert code_of(http.post("SELECT 1", "many-0", session_check="1")) == "372"
    assert http.text("SELECT 1", f"many-{MAX_SESSIONS}", session_check="1") == "1\n"
