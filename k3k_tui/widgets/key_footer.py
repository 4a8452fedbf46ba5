"""The last line of a screen: what the keys do here. One widget, drawn anew only when that changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import ActiveBinding
from textual.content import Content
from textual.events import Click
from textual.screen import Screen
from textual.widget import Widget

from k3k_tui.actions.keys import is_bound
from k3k_tui.text import fit, width

# These stay when the line is too short for all.
_ALWAYS = frozenset({"app.help"})


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key of the footer.

    Attributes:
        key: as it is pressed.
        shown: as it is written.
        title: what it does.
        always: whether it stays on a short line.
    """

    key: str
    shown: str
    title: str
    always: bool = False

    @property
    def width(self) -> int:
        """Cells it takes."""
        return width(self.shown) + width(self.title) + 3


class KeyFooter(Widget):
    """One line with the keys that work here; a click is a press."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom;
        height: 1;
        background: $footer-background;
        color: $footer-foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._hints: tuple[KeyHint, ...] = ()

    def on_mount(self) -> None:
        """Follow what the keys do."""
        self._look()
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_resize(self) -> None:
        """Show as much as there is room for."""
        self.refresh()

    def _bindings_changed(self, screen: Screen[Any]) -> None:
        if screen is self.screen and screen.is_current:
            self._look()

    def _look(self) -> None:
        hints = tuple(hints_of(self.app, self.screen.active_bindings.values()))
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def render(self) -> Content:
        """Return the keys there is room for."""
        return Content.assemble(
            *(
                part
                for hint in fitting(self._hints, self.size.width)
                for part in (
                    (f" {hint.shown}", "bold $footer-key-foreground"),
                    (f" {hint.title} ", "$footer-description-foreground"),
                )
            )
        )

    def on_click(self, event: Click) -> None:
        """Press the key that was clicked."""
        at = event.x
        for hint in fitting(self._hints, self.size.width):
            at -= hint.width
            if at < 0:
                self.app.simulate_key(hint.key)
                return


def hints_of(app: App[Any], active: Iterable[ActiveBinding]) -> Iterable[KeyHint]:
    """Return the hints of bindings that want to be shown, the first key of each.

    Args:
        app: the dashboard; it knows how keys are written.
        active: what works at the moment.
    """
    seen: set[str] = set()
    for each in active:
        binding = each.binding
        if not (binding.show and each.enabled and is_bound(binding.key)) or binding.action in seen:
            continue
        seen.add(binding.action)
        yield KeyHint(
            binding.key, app.get_key_display(binding), binding.description, (binding.id or "") in _ALWAYS
        )


def fitting(hints: tuple[KeyHint, ...], room: int) -> tuple[KeyHint, ...]:
    """Return the hints that fit on a line, in their order.

    Args:
        hints: all of them, the most important first.
        room: cells.
    """
    kept = {hint for hint in hints if hint.always}
    left = room - sum(hint.width for hint in kept)
    for hint in hints:
        if hint in kept:
            continue
        left -= hint.width
        if left < 0:
            break
        kept.add(hint)
    return tuple(hint for hint in hints if hint in kept)


def written(keys: Iterable[str], room: int = 0) -> str:
    """Return keys as a list for people.

    Args:
        keys: as they are written.
        room: cells it may take and is filled to; 0 for any.
    """
    joined = " ".join(keys)
    return fit(joined, room) if room else joined
