"""Jump mode: a letter on everything that can have the cursor; pressing it puts the cursor there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key, MouseDown
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from k3k_tui.widgets.jump_target import Jumpable, JumpTarget

# Those under the fingers first.
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


def labels(count: int) -> tuple[str, ...]:
    """Return a label for each of some places, one letter while those last, else two.

    Args:
        count: how many.
    """
    if count <= len(LETTERS):
        return tuple(LETTERS[:count])
    pairs = (one + other for one in LETTERS for other in LETTERS)
    return tuple(pair for pair, _ in zip(pairs, range(count), strict=False))


class _Label(Static):
    DEFAULT_CSS = """
    _Label {
        position: absolute;
        width: auto;
        height: 1;
        background: $warning;
        color: $background;
        text-style: bold;
    }
    """


class JumpScreen(ModalScreen[JumpTarget | None]):
    """Letters over a screen; its answer is the place that was chosen.

    Args:
        targets: what can be jumped to.
    """

    DEFAULT_CSS = "JumpScreen { background: transparent; layout: vertical; }"

    def __init__(self, targets: Sequence[JumpTarget]) -> None:
        super().__init__()
        self.targets = dict(zip(labels(len(targets)), targets, strict=True))
        self._typed = ""

    def compose(self) -> ComposeResult:
        """Put a label on every target."""
        for letters, target in self.targets.items():
            label = _Label(Content(letters), markup=False)
            label.styles.offset = Offset(target.x, target.y)
            yield label

    def on_key(self, event: Key) -> None:
        """Take letters; anything else closes."""
        event.stop()
        event.prevent_default()
        self._typed += event.character if event.character and event.character in LETTERS else "?"
        if self._typed in self.targets:
            self.dismiss(self.targets[self._typed])
        elif not any(letters.startswith(self._typed) for letters in self.targets):
            self.dismiss(None)

    def on_mouse_down(self, _event: MouseDown) -> None:
        """Close."""
        self.dismiss(None)


def jump_targets(screen: Screen[Any]) -> tuple[JumpTarget, ...]:
    """Return what can be jumped to, from the top left on.

    Args:
        screen: what the letters go over.
    """
    found: list[JumpTarget] = []
    for widget in screen.walk_children(Widget):
        if not widget.region.area or not widget.is_on_screen:
            continue
        if isinstance(widget, Jumpable):
            found += widget.jump_targets()
        elif widget.focusable:
            found.append(JumpTarget(widget.region.x, widget.region.y, widget.focus))
    return tuple(sorted(found, key=lambda target: (target.y, target.x)))
