"""`daehwa import` and `daehwa send` against the whole stack: once, however it is stopped."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from tests.harness.stack import RunningStack
from tests.harness.waiting import wait_until

DAEHWA = str(Path(sys.executable).with_name("daehwa"))

MAP = """
version: 1
name: {name}
reads: csv
encoding: cp949
zone: Asia/Seoul
message_id: item["상담번호"]
events:
  - type: contact
    fields:
      user_id: item["고객번호"]
      code: '{{"문의": "question.asked", "불만": "complaint.opened"}}[item["유형"]]'
      channel: '"call"'
      operator: item["상담원"]
      text: item["내용"]
      occurred_at: parse_time(item["상담일시"], "%Y-%m-%d %H:%M:%S")
    properties:
      about: '"배송"'
"""
CUSTOMERS = 2_003


class Legacy:
    """A call centre's old file: CP949, quoted texts, and its mapping."""

    def __init__(self, folder: Path, lines: int) -> None:
        self.name = f"old-{uuid4().hex[:12]}"
        self.lines = lines
        self.file = folder / "상담.csv"
        self.map = folder / "map.yaml"
        self.map.write_text(MAP.format(name=self.name), encoding="utf-8")
        with self.file.open("w", encoding="cp949", newline="") as file:
            file.write("상담번호,고객번호,상담일시,유형,상담원,내용\r\n")
            for index in range(lines):
                at = f"{index // 3600 % 24:02d}:{index // 60 % 60:02d}:{index % 60:02d}"
                kind = ("문의", "불만")[index % 2]
                file.write(
                    f"{index},{self.name}-{index % CUSTOMERS},2026-01-15 {at},{kind},"
                    f'상담원{index % 17},"배송이 ""또"" 늦어요, 확인 바랍니다"\r\n'
                )

    @property
    def state(self) -> Path:
        return self.file.with_name(self.file.name + ".state")

    @property
    def rejected(self) -> Path:
        return self.file.with_name(self.file.name + ".rejected")

    def line(self) -> int:
        """The next line to import, 0 before any."""
        try:
            return int(json.loads(self.state.read_bytes())["line"])
        except FileNotFoundError:
            return 0

    def archived(self, stack: RunningStack) -> tuple[int, int]:
        """(rows, different message ids)."""
        return stack.sql(
            "select count(), uniqExact(message_id) from daehwa.events "
            f"where startsWith(message_id, '{self.name}:')"
        )[0]  # type: ignore[return-value]


def start(stack: RunningStack, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [DAEHWA, *arguments],
        env={**os.environ, **stack.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(stack: RunningStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DAEHWA, *arguments], env={**os.environ, **stack.environment},
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def stop_after(
    process: subprocess.Popen[bytes], line: Callable[[], int], at_least: int, how: signal.Signals
) -> int:
    """Stops the import once it is so far; its peak memory in bytes."""
    watched = psutil.Process(process.pid)
    peak = 0

    def far_enough() -> bool:
        nonlocal peak
        peak = max(peak, watched.memory_info().rss)
        assert process.poll() is None, process.communicate()
        return line() > at_least

    wait_until(far_enough, within=600)
    process.send_signal(how)
    process.wait(30)
    return peak


def import_interrupted(stack: RunningStack, legacy: Legacy, within: float) -> int:
    """Imports it, stopped by Ctrl-C and by a kill; the peak memory in bytes."""
    command = ("import", str(legacy.file), "--map", str(legacy.map), "--json")
    peaks = []
    with start(stack, *command) as process:
        peaks.append(stop_after(process, legacy.line, legacy.lines // 4, signal.SIGINT))
        assert process.returncode == 130, process.communicate()
        assert b"goes on there" in process.stderr.read()  # type: ignore[union-attr]
    first = legacy.line()
    with start(stack, *command) as process:
        peaks.append(stop_after(process, legacy.line, legacy.lines // 2, signal.SIGKILL))
    assert legacy.lines > legacy.line() > first
    with start(stack, *command) as process:
        watched = psutil.Process(process.pid)
        for _ in process.stdout or ():  # a line of progress a second
            peaks.append(watched.memory_info().rss)
        assert process.wait(60) == 0, process.communicate()
    wait_until(lambda: legacy.archived(stack)[1] >= legacy.lines, within=within, every=0.5)
    return max(peaks)


@pytest.mark.destructive
def test_an_import_that_is_stopped_and_killed_counts_every_line_once(
    stack: RunningStack, tmp_path: Path
) -> None:
    legacy = Legacy(tmp_path, 20_000)
    import_interrupted(stack, legacy, within=60)
    assert legacy.archived(stack) == (20_000, 20_000)
    customer = f"{legacy.name}-7"
    expected = len(range(7, 20_000, CUSTOMERS))
    wait_until(lambda: stack.customer(customer).get("lifecycle", {}).get("events", 0) >= expected)
    view = stack.customer(customer)
    assert view["lifecycle"]["events"] == expected
    assert set(view["dialogues"]) == {"service/배송", "complaint/배송"}
    assert "확인" not in json.dumps(view, ensure_ascii=False)
    text = stack.sql(
        "select distinct JSONExtractString(context, 'text') from daehwa.events "
        f"where message_id = '{legacy.name}:7'"
    )
    assert text == [('배송이 "또" 늦어요, 확인 바랍니다',)]
    # Once more: there is nothing left to do, and even without the state nothing counts twice.
    assert run(stack, "import", str(legacy.file), "--map", str(legacy.map)).returncode == 0
    legacy.state.unlink()
    assert run(stack, "import", str(legacy.file), "--map", str(legacy.map)).returncode == 0
    assert legacy.archived(stack) == (20_000, 20_000)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_million_lines_take_bounded_memory(stack: RunningStack, tmp_path: Path) -> None:
    legacy = Legacy(tmp_path, 1_000_000)
    peak = import_interrupted(stack, legacy, within=900)
    print(f"peak memory {peak / 1e6:.0f} MB")
    assert peak < 300e6
    assert legacy.archived(stack) == (1_000_000, 1_000_000)


def test_what_cannot_be_taken_is_kept_with_its_line_and_the_reason(
    stack: RunningStack, tmp_path: Path
) -> None:
    legacy = Legacy(tmp_path, 6)
    lines = legacy.file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace("불만".encode("cp949"), b"\xff\xff")
    lines[3] = lines[3].replace(b"2026-01-15", b"2026-13-45")
    lines[4] = b"only,three,columns\r\n"
    lines[5] = lines[5].replace(f"{legacy.name}-4".encode(), b"anonymous")
    packed = tmp_path / "calls.csv.gz"
    packed.write_bytes(gzip.compress(b"".join(lines)))
    done = run(stack, "import", str(packed), "--map", str(legacy.map))
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("2 events of 7 lines; 4 rejected")
    kept = (tmp_path / "calls.csv.gz.rejected").read_bytes().splitlines(keepends=True)
    assert [line.split(b"\t", 2)[0] for line in kept] == [b"3", b"4", b"5", b"6"]
    assert [line.split(b"\t", 2)[2] for line in kept] == lines[2:6]
    reasons = [line.split(b"\t", 2)[1].decode() for line in kept]
    assert "0xff in column" in reasons[0]
    assert "occurred_at" in reasons[1]
    assert "3 columns, not 6" in reasons[2]
    assert "no field says whose it is" in reasons[3]
    wait_until(lambda: legacy.archived(stack) == (2, 2))


def test_an_import_waits_for_an_api_that_is_unavailable(tmp_path: Path) -> None:
    legacy = Legacy(tmp_path, 300)
    environment = {**os.environ, "DAEHWA_URL": "http://127.0.0.1:9", "DAEHWA_API_TOKEN": "t"}
    command = [DAEHWA, "import", str(legacy.file), "--map", str(legacy.map), "--json"]
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        # A shell's background job ignores SIGINT, and so do its children unless told otherwise.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        lines = map(json.loads, process.stdout)
        said = list(islice((one for one in lines if "waiting" in one), 3))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert all(one["seconds"] > 0 for one in said)
    assert legacy.line() == 0


def test_ready_events_are_sent_as_they_are(stack: RunningStack, tmp_path: Path) -> None:
    name = f"sent-{uuid4()}"
    events: list[Any] = [
        {"type": "track", "userId": name, "event": "Product Added", "messageId": f"{name}-1",
         "timestamp": "2025-05-05T10:00:00Z", "properties": {"category": "shoes"}},
        {"user_id": name, "code": "question.asked", "channel": "letter", "text": "hello",
         "properties": {"about": "sizes"}},
        {"type": "track", "userId": name},
        {"code": "question.asked", "channel": "letter"},
        [],
    ]  # fmt: skip
    file = tmp_path / "events.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in events))
    done = run(stack, "send", str(file))
    assert done.returncode == 1, done.stderr
    rejected = (tmp_path / "events.ndjson.rejected").read_text().splitlines()
    assert [line.split("\t")[0] for line in rejected] == ["3", "4", "5"]
    both = {"product/shoes", "service/sizes"}
    wait_until(lambda: set(stack.customer(name).get("dialogues", ())) == both)
    view = stack.customer(name)
    assert view["dialogues"]["product/shoes"]["first_at"] == "2025-05-05T10:00:00.000Z"


def test_what_is_wrong_with_a_mapping_is_said_with_line_and_column(
    stack: RunningStack, tmp_path: Path
) -> None:
    legacy = Legacy(tmp_path, 1)
    text = legacy.map.read_text(encoding="utf-8")
    legacy.map.write_text(text.replace('item["상담원"]', "itm.x"), encoding="utf-8")
    done = run(stack, "import", str(legacy.file), "--map", str(legacy.map))
    assert done.returncode == 2
    assert f"{legacy.map}:14:17: nothing is called 'itm'" in done.stderr
    legacy.map.write_text(text.replace('item["상담원"]', 'item["상담"]'), encoding="utf-8")
    done = run(stack, "import", str(legacy.file), "--map", str(legacy.map))
    assert done.returncode == 2
    assert "did you mean '상담원'" in done.stderr
