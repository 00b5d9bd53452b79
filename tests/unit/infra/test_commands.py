"""The command line: its answer alone on standard output, one sentence where something is wrong."""

import getpass
import subprocess
import sys

import httpx
import pytest
from clickhouse_driver.errors import NetworkError, ServerException
from rich.table import Table
from typer.testing import CliRunner

from infra.cli import app, asking
from infra.cli.archive import archive_refusal
from infra.cli.asking import api_address, ask, message_of, no_answer, operator
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal
from infra.settings import Settings

SPEAKS = """
import sys, structlog
from infra.cli import app, main
log = structlog.get_logger()

@app.command()
def speak() -> None:
    log.info("Kafka available")
    log.warning("Kafka was lost")
    print("{}")

sys.argv = ["daehwa", "speak"]
main()
"""


def test_logs_never_stand_in_the_answer() -> None:
    told = subprocess.run(
        [sys.executable, "-c", SPEAKS], capture_output=True, text=True, check=True
    )
    assert told.stdout == "{}\n"
    assert "Kafka was lost" in told.stderr
    assert "Kafka available" not in told.stderr


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("http://host:abc", "t"),
        ("http://[::1", "t"),
        ("localhost:8080", "t"),
        ("http://", "t"),
        ("http://host", "schlüssel"),
        ("http://host", "two\nlines"),
        ("http://host", ""),
    ],
)
def test_an_address_that_is_none_is_refused_in_a_sentence(
    url: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAEHWA_URL", url)
    monkeypatch.setenv("DAEHWA_API_TOKEN", token)
    with pytest.raises(Refusal) as refusal:
        api_address()
    assert "schlüssel" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_who_answers_something_else_is_not_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAEHWA_URL", "http://host")
    monkeypatch.setenv("DAEHWA_API_TOKEN", "t")
    monkeypatch.setattr(
        asking.httpx, "get", lambda *_, **__: httpx.Response(200, text="<h1>Welcome</h1>")
    )
    with pytest.raises(Refusal, match="http://host is not the API"):
        ask("/v1/triggers")


def test_a_user_without_a_name_is_called_by_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert operator().startswith("user ")


def test_what_customers_write_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("[/head]")
    table.add_row("[red]a[/b] :cat:")
    plain_console().print(table)
    plain_console().print("[/c]")
    said = capsys.readouterr().out
    assert "[/head]" in said
    assert "[red]a[/b] :cat:" in said
    assert "[/c]" in said


def test_in_a_pipe_no_table_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = Table("topic")
    table.add_row("x" * 300)
    plain_console().print(table)
    assert "x" * 300 in capsys.readouterr().out


def test_a_command_imports_only_what_it_needs() -> None:
    code = (
        "import sys; sys.argv = ['daehwa', 'customer', '--help']\n"
        "from infra.cli import main\n"
        "try: main()\n"
        "except SystemExit: print({'kafka', 'redis', 'cel', 'scipy'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.endswith("set()\n")


def test_a_misspelt_command_is_told_which_was_meant() -> None:
    told = CliRunner().invoke(app, ["customr"])
    assert told.exit_code == 2
    assert "'customer'" in told.output


def test_what_is_wrong_with_the_api_is_told_with_what_to_mend() -> None:
    request = httpx.Request("GET", "http://host:8080/v1/triggers")
    said = message_of(httpx.Response(401, request=request))
    assert said.startswith("DAEHWA_API_TOKEN is not the token of the API at http://host:8080;")
    away = str(no_answer("http://host", httpx.ConnectError("refused")))
    assert (
        away
        == "no answer from http://host (refused): is `daehwa up` running, and DAEHWA_URL right?"
    )


def test_the_archive_says_what_is_wrong_in_one_line() -> None:
    wrong = ServerException("DB::Exception: Syntax error:\nselec. Stack trace:\n\n0. f()", 62)
    assert str(archive_refusal(wrong, Settings())) == (
        "ClickHouse: DB::Exception: Syntax error: selec."
    )
    away = str(archive_refusal(NetworkError("refused"), Settings()))
    assert away.startswith("no answer from ClickHouse at 127.0.0.1:9000 (refused): ")
