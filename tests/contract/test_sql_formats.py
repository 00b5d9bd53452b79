"""`daehwa sql` in every format, on the embedded ClickHouse."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from infra.cli import app
from infra.cli.formats import FORMATS
from infra.embedded.clickhouse.launch import ClickHouseProcess, launch

CALL = f"{sys.executable} -c 'from infra.cli import main; main()'"

QUERY = """
SELECT toInt64(number) AS id, toLowCardinality('대화, "x"') AS text,
    toDateTime64('2026-01-15 12:00:00.250', 3, 'UTC') AS at, toDate('2026-01-15') AS day,
    toDecimal64('1.50', 2) AS money, if(number = 1, NULL, number / 2) AS share,
    [number, 7] AS list, toUUID('00000000-0000-0000-0000-000000000007') AS uuid,
    map('a', number) AS counts, toDateTime('2026-01-15 12:00:00') AS clock
FROM numbers(2)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    process = launch(folder / "data", folder / "log")
    yield process
    process.stop()


@pytest.fixture
def command(server: ClickHouseProcess, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    url = f"clickhouse://default:{server.password}@127.0.0.1:{server.port}"
    monkeypatch.setenv("DAEHWA_CLICKHOUSE_URL", url)
    return CliRunner()


def test_csv_is_read_back_as_it_was(command: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    told = command.invoke(app, ["sql", QUERY, "--format", "csv", "--output", str(path)])
    assert told.exit_code == 0, told.output
    assert told.stdout == ""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    uuid = "00000000-0000-0000-0000-000000000007"
    assert rows[0] == {
        "id": "0",
        "text": '대화, "x"',
        "at": "2026-01-15T12:00:00.250000+00:00",
        "day": "2026-01-15",
        "money": "1.5",
        "share": "0.0",
        "list": "[0,7]",
        "uuid": uuid,
        "counts": '{"a":0}',
        "clock": "2026-01-15T12:00:00",
    }
    assert rows[1]["share"] == ""


def test_parquet_has_the_types_of_the_columns(command: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    told = command.invoke(app, ["sql", QUERY, "--format", "parquet", "--output", str(path)])
    assert told.exit_code == 0, told.output
    table = parquet.read_table(path)
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "int64",
        "text": "string",
        "at": "timestamp[ms, tz=UTC]",
        "day": "date32[day]",
        "money": "decimal128(18, 2)",
        "share": "double",
        "list": "list<element: uint64>",
        "uuid": "string",
        "counts": "string",
        "clock": "timestamp[ms]",
    }
    assert table.to_pylist()[1] == {
        "id": 1,
        "text": '대화, "x"',
        "at": datetime(2026, 1, 15, 12, 0, 0, 250_000, UTC),
        "day": date(2026, 1, 15),
        "money": Decimal("1.50"),
        "share": None,
        "list": [1, 7],
        "uuid": "00000000-0000-0000-0000-000000000007",
        "counts": '{"a":1}',
        "clock": datetime(2026, 1, 15, 12),
    }


@pytest.mark.parametrize("name", FORMATS)
def test_a_large_result_is_written_in_chunks_and_complete(
    command: CliRunner, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "rows"
    query = "SELECT number AS id, toString(number) AS text FROM numbers(25000)"
    told = command.invoke(app, ["sql", query, "--format", name, "--output", str(path)])
    assert told.exit_code == 0, told.output
    if name == "parquet":
        assert parquet.read_table(path)["id"].to_pylist() == list(range(25_000))
        return
    text = path.read_text(encoding="utf-8")
    assert "\x1b" not in text  # colours are for terminals
    if name == "json":
        assert [json.loads(line)["id"] for line in text.splitlines()] == list(range(25_000))
    else:
        assert sum("24999" in line for line in text.splitlines()) == 1
        assert text.count("\n") >= 25_001


@pytest.mark.parametrize("name", FORMATS)
def test_a_result_without_rows_has_its_columns(
    command: CliRunner, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "rows"
    query = "SELECT number AS id FROM numbers(0)"
    assert (
        command.invoke(app, ["sql", query, "--format", name, "--output", str(path)]).exit_code == 0
    )
    if name == "parquet":
        assert parquet.read_table(path).schema.names == ["id"]
    elif name != "json":
        assert "id" in path.read_text(encoding="utf-8")
    else:
        assert path.read_bytes() == b""


@pytest.mark.parametrize("name", FORMATS)
def test_a_statement_without_a_result_is_no_mistake(command: CliRunner, name: str) -> None:
    told = command.invoke(app, ["sql", "SET max_threads = 1", "--format", name])
    assert told.exit_code == 0, told.output


def test_a_query_that_fails_halfway_leaves_the_old_file(command: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("yesterday's")
    query = "SELECT throwIf(number = 150000) FROM numbers(200000) SETTINGS max_block_size = 1000"
    told = command.invoke(app, ["sql", query, "--format", "csv", "--output", str(path)])
    assert "ClickHouse: " in str(told.exception)
    assert path.read_text() == "yesterday's"
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_bytes_that_are_no_utf_8_stay_to_be_seen(
    command: CliRunner, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "rows"
    query = r"SELECT unhex('61FF62') AS text"
    told = command.invoke(app, ["sql", query, "--format", name, "--output", str(path)])
    assert told.exit_code == 0, told.output
    if name == "csv":
        assert path.read_bytes() == b"text\r\na\\xffb\r\n"
    else:
        assert parquet.read_table(path)["text"].to_pylist() == ["a\\xffb"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_is_not_taken_for_a_failure_of_clickhouse(
    command: CliRunner, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "rows"
    path.write_text("yesterday's")
    query = "SELECT number, hex(randomString(20)) AS text FROM numbers(20000)"
    call = f"{CALL} sql '{query}' --format {name} --output {path}"
    # The limit is in blocks of 512 or 1,024 bytes; the shell ends with the command's exit code.
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 16; trap '' XFSZ; {call}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == "daehwa: cannot write the result: File too large\n"
    assert done.returncode == 2
    assert path.read_text() == "yesterday's"
    assert [one.name for one in tmp_path.iterdir()] == ["rows"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "excel"], "no format 'excel'; give one of table, csv, json, parquet"),
        (["--format", "csv", "--output", "/nowhere/rows.csv"], "cannot write /nowhere/rows.csv"),
        (["--output", "rows.txt", "--format", "Csv"], "no format 'Csv'"),
    ],
)
def test_a_mistake_is_one_sentence(command: CliRunner, arguments: list[str], words: str) -> None:
    told = command.invoke(app, ["sql", "SELECT 1", *arguments])
    assert words in str(told.exception)
