"""What the dashboard costs: CPU, bytes, memory, and how long keys and the first frame take, in a real terminal.

    python benchmarks/tui.py [--json] [--rows 1000,5000,20000] [--seconds 10] [--keys 60] [--only WORDS]
    python benchmarks/tui.py --throttle [--rows 5000]

Each program runs in a pseudo-terminal of 160x50 cells over a fleet that is made up, of which 200 cells change each
second (50 control planes, four cells each). Beside the dashboard runs a stock DataTable over the same fleet; the
last columns are its figures divided by the dashboard's. Further lines are the dashboard in its remote profile,
ordered by a column that changes all the time, and with all changes on the screen.

CPU is the kernel's count for the process over the measured seconds, bytes are those that reached the terminal then.
A key press is timed from writing the key to reading the bytes that draw the next line as the one under the cursor;
keys come at random moments, among the changes, and half of them scroll the table. Memory is the resident set at the
end; the histories that a real fleet keeps, 62 KB for each control plane, are not in it. The first frame is timed from
starting the process, the first rows likewise; all rows are there when the made-up hosts have all been read.

`--throttle` lets the terminal take 64 kbit/s and tells how long single keys take then.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

PROGRAM = Path(__file__).with_name("tui_program.py")
SIZE = (50, 160)
THROTTLED = 8_000
# Seconds after which something that does not come is a failure.
PATIENCE = 60.0
DOWN, PAGE_DOWN = b"\x1b[B", b"\x1b[6~"
TICKS = os.sysconf("SC_CLK_TCK")
# Names of rows begin like this on the screen.
NAME = b"plane-"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One program to measure.

    Attributes:
        title: what it is called in the report.
        rows: control planes.
        arguments: of the program.
        step: by how much the number in the name grows from a line to the next; 0 when that is not known.
        stock: whether it is the one that is compared with.
    """

    title: str
    rows: int
    arguments: tuple[str, ...]
    step: int = 1
    stock: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What one program cost.

    Attributes:
        title: of the scenario.
        rows: control planes.
        cpu: per cent of one core.
        kib_per_second: sent to the terminal.
        key_p50: milliseconds from a key to the frame, median; None where it is not measured.
        key_p95: the same, 95th percentile.
        mebibytes: resident memory.
        first_paint: seconds from the start to the first frame.
        first_rows: seconds from the start to the first rows.
        all_rows: seconds from the start until all rows had been handed over.
    """

    title: str
    rows: int
    cpu: float
    kib_per_second: float
    key_p50: float | None
    key_p95: float | None
    mebibytes: float
    first_paint: float
    first_rows: float
    all_rows: float


class Terminal:
    """A program in a pseudo-terminal.

    Args:
        command: what to run.
        rate: bytes a second the terminal takes; 0 for any number.

    Attributes:
        received: all bytes so far.
    """

    def __init__(self, command: Sequence[str], *, rate: int = 0) -> None:
        self._rate = rate
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        told, tell = os.pipe()
        environ = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"}
        }
        environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "K3K_CONFIG": os.devnull}
        environ["K3K_BENCHMARK_TELL"] = str(tell)
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            start_new_session=True,
            pass_fds=(tell,),
        )
        os.close(slave)
        os.close(tell)
        self._told = told
        self._due = self.began
        self.received = bytearray()

    def write(self, data: bytes) -> None:
        """Press keys."""
        os.write(self._master, data)

    def read(self, seconds: float) -> bool:
        """Take what comes within a time; tell whether something came."""
        now = time.perf_counter()
        if self._rate and self._due > now:
            wait = min(self._due - now, seconds)
            time.sleep(wait)
            if wait < self._due - now:
                return False
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._master, 512 if self._rate else 65536)
        except OSError:
            raise SystemExit(f"the program ended: {bytes(self.received[-2000:])!r}") from None
        if self._rate:
            self._due = max(self._due, time.perf_counter()) + len(data) / self._rate
        self.received += data
        return True

    def read_for(self, seconds: float) -> int:
        """Take what comes for a time; return how many bytes came."""
        start, end = len(self.received), time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)
        return len(self.received) - start

    def read_until(self, wanted: re.Pattern[bytes], start: int = 0) -> float:
        """Take what comes until a pattern does; return when that was."""
        end = time.perf_counter() + PATIENCE
        while not wanted.search(self.received, start):
            if not self.read(0.05) and time.perf_counter() > end:
                raise SystemExit(
                    f"never came: {wanted.pattern!r}; last came {bytes(self.received[-2000:])!r}"
                )
        return time.perf_counter()

    def wait_loaded(self) -> float:
        """Take what comes until the program has said that all rows are there; return when that was."""
        end = time.perf_counter() + PATIENCE
        while not select.select([self._told], [], [], 0)[0]:
            self.read(0.02)
            if time.perf_counter() > end:
                raise SystemExit("the rows never came")
        return time.perf_counter()

    def cpu_seconds(self) -> float:
        """Return the processor time of the program so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def mebibytes(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def close(self) -> None:
        """End the program."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._told)


@contextmanager
def running(scenario: Scenario, *, rate: int = 0) -> Iterator[Terminal]:
    """Run the program of a scenario."""
    command = [sys.executable, str(PROGRAM), *scenario.arguments]
    terminal = Terminal(command, rate=rate)
    try:
        yield terminal
    finally:
        terminal.close()


def name_of(number: int) -> bytes:
    """Return the name of a row."""
    return NAME + f"{number:05}".encode()


def drawn(number: int, style: bytes = rb"[\d;]*") -> re.Pattern[bytes]:
    """Return a pattern of a row's name, drawn in a style."""
    return re.compile(rb"\x1b\[(" + style + rb")m\s*" + name_of(number) + rb"\b")


def cursor_style(terminal: Terminal) -> bytes:
    """Return the style that the name of a row has under the cursor: it is on the first one at the beginning."""
    found: list[bytes] = drawn(0).findall(bytes(terminal.received))
    return re.escape(found[-1])


def key_times(terminal: Terminal, step: int, keys: int) -> list[float]:
    """Press "down" so many times and return how long each took to be seen, sorted, seconds."""
    chance = random.Random(1)  # noqa: S311 (nothing is secret here)
    style = cursor_style(terminal)
    took = []
    for press in range(1, keys + 1):
        terminal.read_for(chance.uniform(0.05, 0.2))
        start, began = len(terminal.received), time.perf_counter()
        terminal.write(DOWN)
        took.append(terminal.read_until(drawn(press * step, style), start) - began)
    return sorted(took)


def measure(scenario: Scenario, seconds: float, keys: int) -> Result:
    """Run a program and measure it."""
    with running(scenario) as terminal:
        painted = terminal.read_until(re.compile(rb"fleet|VERDICT")) - terminal.began
        rows = terminal.read_until(re.compile(NAME)) - terminal.began
        loaded = terminal.wait_loaded() - terminal.began
        terminal.read_for(5.0 if scenario.stock else 3.0)
        used, began = terminal.cpu_seconds(), time.perf_counter()
        sent = terminal.read_for(seconds)
        span = time.perf_counter() - began
        cpu = (terminal.cpu_seconds() - used) / span
        took = key_times(terminal, scenario.step, keys) if scenario.step else []
        return Result(
            scenario.title,
            scenario.rows,
            cpu=round(100 * cpu, 1),
            kib_per_second=round(sent / span / 1024, 2),
            key_p50=round(1000 * took[len(took) // 2], 1) if took else None,
            key_p95=round(1000 * took[int(len(took) * 0.95)], 1) if took else None,
            mebibytes=round(terminal.mebibytes(), 1),
            first_paint=round(painted, 2),
            first_rows=round(rows, 2),
            all_rows=round(loaded, 2),
        )


def scenarios(sizes: Sequence[int]) -> list[Scenario]:
    """Return what is measured."""
    found = []
    for size in sizes:
        rows = str(size)
        found += [
            Scenario("dashboard", size, ("k3k", rows)),
            Scenario("dashboard, remote", size, ("k3k", rows, "--remote")),
            Scenario("DataTable", size, ("datatable", rows), step=5, stock=True),
        ]
    middle = str(sizes[len(sizes) // 2])
    return [
        *found,
        Scenario("ordered by p99", int(middle), ("k3k", middle, "--order", "p99"), step=0),
        Scenario("all in sight", int(middle), ("k3k", middle, "--in-sight")),
        Scenario("all in sight, remote", int(middle), ("k3k", middle, "--in-sight", "--remote")),
    ]


def report(results: Sequence[Result]) -> None:
    """Print the figures as a table, the stock DataTable's ratio beside them."""
    print(
        f"{'':22} {'rows':>6} {'CPU %':>7} {'KiB/s':>8} {'key p50':>9} {'key p95':>9} {'MiB':>7} "
        f"{'paint':>6} {'rows':>6} {'all':>6}"
    )
    for one in results:
        keys = [f"{value:.1f}ms" if value is not None else "-" for value in (one.key_p50, one.key_p95)]
        print(
            f"{one.title:22} {one.rows:>6} {one.cpu:>7} {one.kib_per_second:>8} {keys[0]:>9} {keys[1]:>9} "
            f"{one.mebibytes:>7} {one.first_paint:>5}s {one.first_rows:>5}s {one.all_rows:>5}s"
        )
    print("\nThe stock DataTable's figures, divided by the dashboard's:")
    for size, figures in ratios(results).items():
        print(f"{size:>6} rows: " + ", ".join(f"{name} {value}" for name, value in figures.items()))


def ratios(results: Sequence[Result]) -> dict[int, dict[str, float]]:
    """Return by size how many times as much the stock DataTable costs."""
    own = {one.rows: one for one in results if one.title == "dashboard"}
    stock = {one.rows: one for one in results if one.title == "DataTable"}
    names = ("cpu", "kib_per_second", "key_p95", "mebibytes", "first_rows")
    return {
        size: {
            name: round(float(getattr(stock[size], name)) / max(float(getattr(one, name)), 0.01), 1)
            for name in names
        }
        for size, one in own.items()
        if size in stock
    }


def throttled(rows: int) -> tuple[dict[str, list[float]], float]:
    """Use the dashboard over a line of 64 kbit/s; return how long keys took, milliseconds, and bytes a second at rest.

    A key's time ends with the bytes that draw the new line under the cursor.
    """
    scenario = Scenario("throttled", rows, ("k3k", str(rows), "--remote"))
    times: dict[str, list[float]] = {"down": [], "down at the edge": []}
    with running(scenario, rate=THROTTLED) as terminal:
        times["first paint"] = [terminal.read_until(re.compile(b"fleet")) - terminal.began]
        times["first rows"] = [terminal.read_until(re.compile(NAME)) - terminal.began]
        terminal.wait_loaded()
        terminal.read_for(5.0)
        style = cursor_style(terminal)
        for press in range(1, 61):
            terminal.read_for(0.25)
            start, began = len(terminal.received), time.perf_counter()
            terminal.write(DOWN)
            took = terminal.read_until(drawn(press, style), start) - began
            scrolled = len(terminal.received) - start > 3000
            times["down at the edge" if scrolled else "down"].append(took)
        times["down, held for 2 s"] = [_held(terminal, style, 61, DOWN, 40, 1)]
        sent = terminal.read_for(10.0)
    return {name: sorted(1000 * value for value in values) for name, values in times.items()}, sent / 10.0


def _held(terminal: Terminal, style: bytes, first: int, key: bytes, presses: int, step: int) -> float:
    """Hold a key down and return how long after it was let go the last line is there."""
    start = len(terminal.received)
    for _ in range(presses):
        terminal.write(key)
        terminal.read_for(0.05)
    let_go = time.perf_counter()
    return terminal.read_until(drawn(first + (presses - 1) * step, style), start) - let_go


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="What the dashboard costs in a real terminal.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", default="1000,5000,20000")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--only", default="", help="measure only what has these words in its title")
    parser.add_argument("--throttle", action="store_true")
    options = parser.parse_args()
    sizes = [int(size) for size in options.rows.split(",")]
    if options.throttle:
        figures, at_rest = throttled(sizes[len(sizes) // 2])
        for name, values in figures.items():
            middle = values[len(values) // 2] if values else 0.0
            print(
                f"{name:24} median {middle:>8.1f} ms, most {max(values, default=0.0):>8.1f} ms ({len(values)})"
            )
        print(f"bytes a second at rest   {at_rest:.0f}")
        return
    chosen = [one for one in scenarios(sizes) if options.only in one.title]
    results = [measure(one, options.seconds, options.keys) for one in chosen]
    if options.json:
        print(json.dumps({"results": [asdict(one) for one in results], "ratios": ratios(results)}, indent=2))
    else:
        report(results)


if __name__ == "__main__":
    main()
