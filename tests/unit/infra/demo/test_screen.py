"""The live view: readable, fair to every kind of trigger, and bounded."""

from collections import Counter

from rich.console import Console

from infra.demo.board import MAX_SHOWN, Board
from infra.demo.figures import Rate
from infra.demo.screen import UNKNOWN, Status, screen, status_line, trigger_text

REASON = (
    "bought on 3 days, last on 1998-03-07, then nothing for 94 weeks: the chance that they come "
    "back fell below 50% (default model, not fitted to this shop yet)"
)


def trigger(rule: str, number: int, customer: str = "cdnow-00004") -> dict[str, object]:
    return {
        "id": f"trg_{rule}_{number}",
        "type": rule,
        "rule": rule,
        "customer_id": customer,
        "decided_at": 1_760_000_000_000 + number,
        "reason": f"{REASON} {number}",
        "topic": "product/shoes",
    }


def status(**changed: object) -> Status:
    fields: dict[str, object] = {
        "accepted_per_second": 40.4,
        "accepted": 1234,
        "folded_per_second": 39.9,
        "folded": 1230,
        "profiles": 321,
        "archived": None,
        "histories_sent": 7,
        "histories": 2357,
        "fired": Counter({"churn.risk": 3}),
    }
    return Status(**{**fields, **changed})  # type: ignore[arg-type]


def test_a_rare_trigger_is_shown_among_many_frequent_ones() -> None:
    board = Board()
    shown = []
    for round_ in range(50):
        for number in range(20):
            board.arrived(trigger("stage.reached", round_ * 20 + number))
        if round_ % 10 == 0:
            board.arrived(trigger("churn.risk", round_))
        picked = board.pick()
        assert picked is not None
        shown.append(picked["id"])
    assert {f"trg_churn.risk_{number}" for number in range(0, 50, 10)} <= set(shown)
    assert board.counts == {"stage.reached": 1000, "churn.risk": 5}


def test_who_clicks_in_the_shop_sees_every_trigger_of_theirs_first() -> None:
    board = Board()
    board.arrived(trigger("stage.reached", 1))
    board.arrived(trigger("stage.reached", 2, "demo-8f14e45f-ceea-467f-a0e6-1c2b3d4e5f60"))
    board.arrived(trigger("stage.reached", 3, "demo-8f14e45f-ceea-467f-a0e6-1c2b3d4e5f60"))
    picked = [board.pick() for _ in range(4)]
    assert [found and found["id"][-1] for found in picked] == ["2", "3", "1", None]


def test_the_board_keeps_a_few_triggers_only_newest_first() -> None:
    board = Board()
    for number in range(10 * MAX_SHOWN):
        board.arrived(trigger("stage.reached", number))
        board.pick()
    assert [found["decided_at"] for found in board.shown] == [
        1_760_000_000_000 + number for number in range(119, 119 - MAX_SHOWN, -1)
    ]


def test_the_screen_fits_the_terminal_and_has_all_addresses() -> None:
    url = "http://127.0.0.1:8080/#token=" + "t" * 32
    for width, height in ((80, 24), (120, 40), (80, 16)):
        console = Console(width=width, height=height, force_terminal=False)
        shown = [trigger("churn.risk", number) for number in range(MAX_SHOWN)]
        with console.capture() as capture:
            console.print(screen(status(), [("first page", url)], shown, width, height))
        lines = capture.get().splitlines()
        assert len(lines) <= height
        assert url in capture.get().replace("\n", "")
        assert " ".join(capture.get().split()).count(REASON) >= 1


def test_what_does_not_answer_has_no_number() -> None:
    line = status_line(status())
    assert f"{UNKNOWN} archived" in line
    assert "1,230 folded" in line
    assert "churn.risk 3" in line


def test_a_trigger_in_a_line_says_who_and_why() -> None:
    line = trigger_text(trigger("churn.risk", 7))
    assert "\n" not in line
    assert line.endswith(f"churn.risk cdnow-00004: {REASON} 7")


def test_a_rate_is_per_second_and_survives_a_restart_of_the_counter() -> None:
    rate = Rate(readings=3)
    assert rate.per_second == 0
    for at, count in ((0, 0), (10, 100), (20, 500), (30, 900)):
        rate.read(at, count)
    assert rate.per_second == 40
    rate.read(40, 10)
    assert rate.per_second == 0
    rate.read(50, 110)
    assert rate.per_second == 10
