"""Runs the demo: sends shoppers, callers and purchase histories, shows a live view."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from random import Random
from secrets import randbits

from rich.console import Console
from rich.live import Live

from infra.clock import now_ms
from infra.demo.board import Board
from infra.demo.call_centre import CallCentre
from infra.demo.figures import Figures, Rate
from infra.demo.purchase_histories import history_file, order_items, read_histories
from infra.demo.screen import Addresses, Status, screen, status_line, trigger_text
from infra.demo.sender import Sender
from infra.demo.shoppers import Shoppers
from infra.demo.trigger_feed import follow_triggers
from infra.embedded.stack import Stack

EVENTS_PER_SECOND = 40.0
CASES_PER_MINUTE = 10.0
HISTORIES_PER_SECOND = 3.0
SECONDS_PER_TRIGGER = 1.5
"""Between two triggers shown: time to read one."""
STATUS_SECONDS = 10.0

EARLIER_MS = 100 * 60_000
"""Simulated time before the start, so that abandoned carts are due at once."""
EARLIER_EVENTS_PER_SECOND = 0.5
_STEP_MS = 60_000
_STEP_PAUSE_S = 0.1
_TICK_S = 0.5


async def show(stack: Stack) -> None:
    """Sends and shows until cancelled."""
    settings = stack.settings
    port = stack.process("dialogue").part.environment["DAEHWA_METRICS_PORT"]
    token = settings.api_token.get_secret_value()
    random = Random(randbits(64))  # noqa: S311 - a simulation
    sender = Sender(stack.url, next(iter(settings.write_keys)), token)
    figures = Figures(settings, f"http://127.0.0.1:{port}/metrics")
    demo = _Demo(sender, figures, random)
    addresses = (
        ("first page", f"{stack.url}/#token={token}"),
        ("demo shop", f"{stack.url}/demo"),
        ("API", f"{stack.url}/docs"),
    )
    view = _on_terminal if sys.stdout.isatty() else _in_lines
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(view(demo, addresses))
            tasks.create_task(demo.listen(stack.url, token))
            tasks.create_task(demo.shop())
            tasks.create_task(demo.replay_histories())
            tasks.create_task(demo.watch())
    finally:
        _say("stopping; what was accepted is folded and archived first")
        await sender.close()
        await figures.close()


class _Demo:
    """Concurrent tasks of the demo, and their figures for the view."""

    def __init__(self, sender: Sender, figures: Figures, random: Random) -> None:
        self.board = Board()
        self._sender = sender
        self._figures = figures
        self._random = random
        self._accepted = Rate()
        self._folded = Rate()
        path = history_file()
        self._histories = read_histories(path) if path is not None else []
        self._histories_sent = 0

    def status(self) -> Status:
        """The numbers now."""
        return Status(
            accepted_per_second=self._accepted.per_second,
            accepted=self._sender.accepted,
            folded_per_second=self._folded.per_second,
            folded=self._figures.folded,
            profiles=self._figures.profiles,
            archived=self._figures.archived,
            histories_sent=self._histories_sent,
            histories=len(self._histories),
            fired=self.board.counts,
        )

    async def listen(self, url: str, token: str) -> None:
        """Adds triggers to the board as they fire."""
        async with aclosing(follow_triggers(url, token)) as triggers:
            async for trigger in triggers:
                self.board.arrived(trigger)

    async def shop(self) -> None:
        """Sends the past of the shop, then live events."""
        now = now_ms()
        began = now - EARLIER_MS
        shoppers = Shoppers(self._random, began, EARLIER_EVENTS_PER_SECOND)
        calls = CallCentre(self._random, now, CASES_PER_MINUTE)
        for at in range(began, now, _STEP_MS):
            await self._sender.send(shoppers.until(at))
            await asyncio.sleep(_STEP_PAUSE_S)
        shoppers.events_per_second = EVENTS_PER_SECOND
        while True:
            now = now_ms()
            await self._sender.send(shoppers.until(now))
            await self._sender.send_contacts(calls.until(now, shoppers.customers()))
            await asyncio.sleep(_TICK_S)

    async def replay_histories(self) -> None:
        """Sends one customer's history after the other, each as a whole."""
        for history in self._histories:
            await self._sender.send(order_items(history))
            self._histories_sent += 1
            await asyncio.sleep(1 / HISTORIES_PER_SECOND)

    async def watch(self) -> None:
        """Reads the figures, cheap ones more often."""
        clock = asyncio.get_running_loop().time
        figures = self._figures
        readings: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (1, figures.read_folded),
            (2, figures.read_profiles),
            (3, figures.read_archived),
        )
        second = 0
        while True:
            for every, read in readings:
                if second % every == 0:
                    await read()
            self._accepted.read(clock(), self._sender.accepted)
            if figures.folded is not None:
                self._folded.read(clock(), figures.folded)
            second += 1
            await asyncio.sleep(1)


async def _on_terminal(demo: _Demo, addresses: Addresses) -> None:
    console = Console()
    clock = asyncio.get_running_loop().time
    picked = 0.0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            if clock() >= picked + SECONDS_PER_TRIGGER and demo.board.pick() is not None:
                picked = clock()
            view = screen(demo.status(), addresses, demo.board.shown, console.width, console.height)
            live.update(view, refresh=True)
            await asyncio.sleep(_TICK_S)


async def _in_lines(demo: _Demo, addresses: Addresses) -> None:
    clock = asyncio.get_running_loop().time
    for what, url in addresses:
        _say(f"{what}: {url}")
    picked = 0.0
    told = clock()
    while True:
        if clock() >= picked + SECONDS_PER_TRIGGER:
            trigger = demo.board.pick()
            if trigger is not None:
                picked = clock()
                _say(trigger_text(trigger))
        if clock() >= told + STATUS_SECONDS:
            told = clock()
            _say(status_line(demo.status()))
        await asyncio.sleep(_TICK_S)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
