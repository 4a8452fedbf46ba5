"""What `benchmarks/tui.py` measures: the dashboard, or a stock DataTable, over a made-up fleet that keeps changing.

    python benchmarks/tui_program.py k3k|datatable ROWS [--remote] [--order name] [--rate 200] [--in-sight]

Rows come host by host after the first frame. Then so many cells change each second, four in a control plane: median
and 99th percentile of its requests, its errors, its requests a second. With `--in-sight` all of them are on the
screen. A line on the file descriptor that K3K_BENCHMARK_TELL
names tells when all rows have been handed over.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

sys.path.insert(0, str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState
    from k3k_core.telemetry.history import History
    from k3k_tui.source import FleetSource
    from k3k_tui.view.columns import Column

HOSTS = 5
CELLS_OF_A_CHANGE = 4
# Change sets a second: the core gathers what happens, it does not tell each reading alone.
SETS = 10
# Rows made before keys are looked at again.
CHUNK = 50


class MadeUpFleet:
    """A fleet that changes by itself.

    Args:
        count: control planes.
        rate: cells that change each second.
        in_sight: whether only those on the screen change.
    """

    def __init__(self, count: int, rate: int, *, in_sight: bool) -> None:
        self._count = count
        self._rate = rate
        self._in_sight = in_sight
        self._chance = random.Random(4)  # noqa: S311 (nothing is secret here)
        self._focus: tuple[FleetKey, ...] = ()
        self.rows: dict[FleetKey, FleetRow] = {}
        self.hosts: dict[str, HostState] = {}
        self._history = _course()

    def focus(self, keys: Collection[FleetKey]) -> None:
        """Remember who is on the screen."""
        self._focus = tuple(keys)

    def history(self, _key: FleetKey) -> History:
        """Return the same course for all."""
        return self._history

    async def scrape(self, key: FleetKey) -> FleetRow:
        """Return a row."""
        return self.rows[key]

    async def changes(self) -> AsyncIterator[ChangeSet]:
        """Yield the hosts one after the other, then changes."""
        from k3k_core.fleet import ChangeSet, HostState

        names = [f"host-{number}" for number in range(HOSTS)]
        self.hosts = {name: HostState(name, False, time.time()) for name in names}
        yield ChangeSet(hosts=tuple(self.hosts.values()))
        for number, name in enumerate(names):
            rows = [row async for row in self._made(range(number, self._count, HOSTS), name)]
            self.rows |= {row.id: row for row in rows}
            state = HostState(name, True, time.time(), listed=True, control_planes=len(rows))
            self.hosts[name] = state
            yield ChangeSet(changed=tuple(rows), hosts=(state,))
        os.write(int(os.environ["K3K_BENCHMARK_TELL"]), b"loaded\n")
        due = time.monotonic()
        keys = tuple(self.rows)
        while True:
            due += 1 / SETS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            among = self._focus if self._in_sight and self._focus else keys
            some = self._chance.choices(among, k=self._rate // CELLS_OF_A_CHANGE // SETS)
            changed = {key: self._changed(self.rows[key]) for key in some}
            self.rows |= changed
            yield ChangeSet(changed=tuple(changed.values()))

    async def _made(self, numbers: range, host: str) -> AsyncIterator[FleetRow]:
        from k3k_core.telemetry.judgement import Judgement
        from tests.support.fleet_rows import fleet_row, full_signals

        now = time.time()
        for place, number in enumerate(numbers):
            if place % CHUNK == 0:
                await asyncio.sleep(0)
            signals = full_signals(now, scale=0.01 * (1 + number % 7))
            row = fleet_row(f"plane-{number:05}", signals=signals, host=host, namespace=f"team-{number % 20}")
            if number % 50 == 0:
                row = _with(row, judgement=Judgement("Degraded", now))
            yield row

    def _changed(self, row: FleetRow) -> FleetRow:
        from k3k_core.telemetry.signals.model import Latency

        assert row.signals is not None
        p50, share = self._chance.uniform(0.001, 0.4), self._chance.uniform(0.0001, 0.02)
        reads = Latency(100, 100 * p50, p50, 1.6 * p50, 2.3 * p50)
        api = _with(
            row.signals.api, reads=reads, error_ratio=share, request_rate=self._chance.uniform(1, 900)
        )
        changed: FleetRow = _with(row, signals=_with(row.signals, api=api, at=time.time()))
        return changed


def _with(data: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(data, **changes)


def _course() -> History:
    from k3k_core.telemetry.history import History

    history = History()
    now = time.time()
    for slot in range(120):
        history.record(now - 15 * (120 - slot), {"read_p99": 0.05 + 0.04 * (slot % 9)})
    return history


@asynccontextmanager
async def opened(options: argparse.Namespace) -> AsyncIterator[FleetSource]:
    """Open the made-up fleet; what it takes is imported after the first frame, as for a real one."""
    await asyncio.to_thread(__import__, "tests.support.fleet_rows")
    yield cast("FleetSource", MadeUpFleet(options.rows, options.rate, in_sight=options.in_sight))


def run_k3k(options: argparse.Namespace) -> None:
    """Run the dashboard."""
    from k3k_tui.config import TuiConfig
    from k3k_tui.launch import Launch, make_app, run_app
    from k3k_tui.places import FleetPlace
    from k3k_tui.terminal import detect, prepare
    from k3k_tui.view.state import ViewState

    profile = detect(os.environ, remote=options.remote)
    prepare(profile, os.environ)
    place = FleetPlace(ViewState(sort=options.order, descending=options.order == "p99"))
    app = make_app(
        fleet=lambda: opened(options),
        hosts=cast("Mapping[str, Any]", {f"host-{number}": None for number in range(HOSTS)}),
        config=TuiConfig(),
        profile=profile,
        launch=Launch(place=place),
    )
    run_app(app, profile)


def run_datatable(options: argparse.Namespace) -> None:
    """Run an app as one would write it with what Textual brings: a DataTable whose cells are updated each tick."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable, Footer

    from k3k_tui.look.glyphs import UNICODE
    from k3k_tui.view.columns import columns_for
    from k3k_tui.view.row_cells import cells

    tick = 0.5

    class StockApp(App[None]):
        """A table of the fleet."""

        BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012 (as in Textual's manual)

        def compose(self) -> ComposeResult:
            """Lay out the table."""
            yield DataTable(cursor_type="row")
            yield Footer()

        def on_mount(self) -> None:
            """Begin."""
            self._pending: dict[FleetKey, FleetRow] = {}
            self._columns: Sequence[Column] = columns_for(self.size.width - 20)
            table = self.query_one(DataTable)
            for column in self._columns:
                table.add_column(column.title, width=column.width, key=column.name)
            self.set_interval(tick, self._update)
            self.call_after_refresh(lambda: self.run_worker(self._follow(), exit_on_error=False))

        async def _follow(self) -> None:
            async with opened(options) as source:
                async for change in source.changes():
                    for row in change.changed:
                        self._pending[row.id] = row

        def _update(self) -> None:
            table = self.query_one(DataTable)
            pending, self._pending = self._pending, {}
            now = time.time()
            for key, row in pending.items():
                texts = [cell.text for cell in cells(row, self._columns, now, UNICODE)]
                if str(key) not in table.rows:
                    table.add_row(*texts, key=str(key))
                    continue
                for column, text in zip(self._columns, texts, strict=True):
                    if table.get_cell(str(key), column.name) != text:
                        table.update_cell(str(key), column.name, text)

    StockApp().run()


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", choices=("k3k", "datatable"))
    parser.add_argument("rows", type=int)
    parser.add_argument("--remote", action="store_true")
    parser.add_argument("--order", default="name")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--in-sight", action="store_true")
    options = parser.parse_args()
    {"k3k": run_k3k, "datatable": run_datatable}[options.program](options)


if __name__ == "__main__":
    main()
