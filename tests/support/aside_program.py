"""An app that gives its terminal away once, while something on its screen changes; for a pty of its own."""

from __future__ import annotations

import fcntl
import sys
import termios

from textual.app import App, ComposeResult
from textual.widgets import Static

from k3k_tui.operations.aside import always, run_aside


class AsideProgram(App[int]):
    """Steps aside for the program on its command line and ends with that program's exit code."""

    def compose(self) -> ComposeResult:
        """Lay out what changes."""
        yield Static("turn 0")

    def on_mount(self) -> None:
        """Change the screen all the time, and step aside."""
        self.set_interval(0.02, self._turn)
        self.call_after_refresh(lambda: self.run_worker(self._step_aside(), exit_on_error=False))

    async def _step_aside(self) -> None:
        self.exit(await run_aside(self, sys.argv[1:], {"GREETING": "hello"}, heading="heading", pause=always))

    def _turn(self) -> None:
        self._turns = getattr(self, "_turns", 0) + 1
        self.query_one(Static).update(f"turn {self._turns}")


if __name__ == "__main__":
    # Ctrl-C reaches the programs of the terminal they belong to.
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    code = AsideProgram().run()
    sys.stdout.write(f"\nended with {code}\n")
