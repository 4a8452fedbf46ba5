"""What would be done, read before it is: a few sentences, what the host says, and every object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from textual import work
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from k3k_core.errors import K3kError
from k3k_tui.forms.creating import Answer
from k3k_tui.forms.model.review import counts, lines
from k3k_tui.services import services
from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.text_view import FixedText, TextView

State = Literal["asking", "fine", "refused"]


class ReviewPane(Widget):
    """A review; it asks the host by itself."""

    DEFAULT_CSS = """
    ReviewPane {
        height: 1fr;
    }
    ReviewPane > CellLines {
        padding: 0 1;
    }
    ReviewPane > TextView {
        padding: 0 1;
    }
    """

    class Answered(Message):
        """The host said something."""

    def __init__(self) -> None:
        super().__init__(id="review")
        self.state: State = "asking"
        self._ask: Callable[[], Awaitable[Answer]] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the sentences, the host's word and the objects."""
        yield CellLines(id="summary")
        yield CellLines(id="answer")
        yield TextView()

    def show(
        self, summary: Sequence[str], warnings: Sequence[str], ask: Callable[[], Awaitable[Answer]]
    ) -> None:
        """Show what would be done, and ask the host.

        Args:
            summary: sentences.
            warnings: what is probably not meant.
            ask: asks the host.
        """
        sign = services(self).look.glyphs.verdicts["Degraded"]
        said: list[Line] = [say(text) for text in summary]
        said += [say(f"{sign} {text}", "warn") for text in warnings]
        self.query_one("#summary", CellLines).show(said)
        self._ask = ask
        self.retry()

    def retry(self) -> None:
        """Ask the host again."""
        self._say("asking", [say("Asking the host what it makes of it; nothing is stored.", "muted")])
        self.query_one(TextView).show(FixedText())
        self._load()

    @work(group="review", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        if self._ask is None:
            return
        signs = services(self).look.glyphs.verdicts
        try:
            answer = await self._ask()
        except K3kError as error:
            hints = [say(f"  {error.hint}", "muted")] if error.hint else []
            self._say("refused", [*_several(f"{signs['Down']} {error.message}"), *hints])
            return
        changed = [diff for diff in answer.diffs if diff.action != "none"]
        word = f"The host accepts it: {counts(answer.diffs)}." if changed else "Nothing would change."
        self._say("fine", [say(f"{signs['Healthy']} {word}", "good")])
        self.query_one(TextView).show(FixedText(lines(answer.diffs, answer.manifests)))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say that something went wrong that nobody thought of."""
        if event.worker.group == "review" and event.state is WorkerState.ERROR:
            event.stop()
            name = type(event.worker.error).__name__
            self._say("refused", [say(f"The host could not be asked ({name}).", "bad")])

    def _say(self, state: State, text: Sequence[Line]) -> None:
        self.state = state
        self.query_one("#answer", CellLines).show(text)
        self.post_message(self.Answered())


def _several(text: str) -> list[Line]:
    return [say(line, "bad") for line in text.splitlines()]
