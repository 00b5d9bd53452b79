"""`python -m infra.dry_run`: one dry run in a process of its own, so that its memory and load are
not the API's. It reads JSON from standard input and writes JSON lines to standard output: `{"done",
"total"}` while it goes on, then `{"result"}` or `{"problem"}`."""

import sys

import msgspec

from infra.clickhouse.failures import ClickHouseRefused, ClickHouseUnavailable
from infra.dry_run.latest_events import LatestEvents
from infra.dry_run.question import Answer, Problem, Progress, Question, Result
from infra.playbook.playbook_file import parse_playbook
from infra.settings import Settings
from streams.definitions.dry_run import DryRun

TELL_EVERY = 1_000
"""Events."""


def main() -> int:
    """Exit code 0; a failure of the archive is an answer, too."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    settings = Settings.from_environment()
    try:
        latest = LatestEvents(settings, question.events, question.since)
        try:
            _answer(Result(_compared(question, latest)))
        finally:
            latest.close()
    except (ClickHouseUnavailable, ClickHouseRefused) as problem:
        _answer(Problem(f"the archive: {problem}"))
    return 0


def _compared(question: Question, latest: LatestEvents) -> Answer:
    total = latest.count()
    dry_runs = [
        DryRun(parse_playbook(text, "playbook"), question.models)
        for text in (question.current, question.new)
    ]
    done, first, last = 0, 0, 0
    for event in latest.read() if total else ():
        for dry_run in dry_runs:
            dry_run.happen(event)
        done += 1
        first = first or event.received_at
        last = event.received_at
        if done % TELL_EVERY == 0:
            _answer(Progress(done, total))
    current, new = (dry_run.tally() for dry_run in dry_runs)
    return Answer(done, first, last, current, new)


def _answer(said: Progress | Result | Problem) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
