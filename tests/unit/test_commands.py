"""The command line: its answer alone on standard output, one sentence where something is wrong."""

import getpass
import subprocess
import sys

import httpx
import pytest
from rich.table import Table

from infra.cli import asking
from infra.cli.asking import api_address, ask, operator
from infra.cli.printing import plain_console
from infra.cli.refusal import Refusal

SPEAKS = """
import sys, structlog
from infra.cli import app, main
log = structlog.get_logger()

@app.command()
def speak() -> None:
    log.info("Kafka answers")
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
    assert "Kafka answers" not in told.stderr


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
