"""What all dialogs have: a frame, a title, a body that scrolls, and a row of buttons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button

from k3k_tui.actions.registry import bindings
from k3k_tui.text import clean

T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """A question in front of a screen; closed without an answer it gives None.

    Subclasses say what is in it (`body`, `buttons`).

    Args:
        title: on its frame; it may hold names from a cluster.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")
    # Part of the screen's height that the body may take.
    BODY_SHARE: ClassVar[float] = 0.6
    DEFAULT_CSS = """
    Dialog {
        align: center middle;
    }
    Dialog > #frame {
        width: 80%;
        min-width: 36;
        max-width: 100;
        height: auto;
        max-height: 95%;
        padding: 0 1;
        border: round $primary;
        border-title-style: bold;
        background: $surface;
    }
    Dialog.danger > #frame {
        border: round $error;
    }
    Dialog #body {
        height: auto;
        scrollbar-size: 1 1;
    }
    Dialog #buttons {
        height: 1;
        margin-top: 1;
        align-horizontal: right;
    }
    Dialog #buttons Button {
        margin-left: 2;
        min-width: 10;
    }
    Dialog Input {
        margin-top: 1;
    }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self.dialog_title = title

    def compose(self) -> ComposeResult:
        """Lay out the frame."""
        with Vertical(id="frame") as frame:
            frame.border_title = Content(clean(self.dialog_title))
            with VerticalScroll(id="body", classes="scrolls", can_focus=False):
                yield from self.body()
            yield from self.fields()
            with Horizontal(id="buttons"):
                yield from self.buttons()

    def body(self) -> Iterable[Widget]:
        """Return what the dialog says; it scrolls where there is too little room."""
        return ()

    def fields(self) -> Iterable[Widget]:
        """Return what is to be filled in, between body and buttons."""
        return ()

    def buttons(self) -> Iterable[Button]:
        """Return the buttons, from left to right; the one named "cancel" closes the dialog."""
        return (button("Close", "cancel"),)

    def on_mount(self) -> None:
        """Begin."""
        self.begin()

    def on_resize(self) -> None:
        """Share the room; a frame as high as what is in it has to know the highest in cells."""
        highest = max(3, int(self.size.height * self.BODY_SHARE))
        for part in self.query(".scrolls"):
            part.styles.max_height = highest

    def begin(self) -> None:
        """Put the focus where a hasty Enter does no harm."""
        self.query_one("#cancel", Button).focus()

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def action_scroll_body(self, lines: int) -> None:
        """Scroll what the dialog says.

        Args:
            lines: how far down; up when negative.
        """
        self.query_one("#body").scroll_relative(y=lines, animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close, or hand on what was pressed."""
        event.stop()
        if event.button.id == "cancel":
            self.action_cancel()
        else:
            self.pressed(event.button.id or "")

    def pressed(self, name: str) -> None:
        """Do what a button stands for.

        Args:
            name: id of the button; never "cancel".
        """


def button(label: str, name: str, *, danger: bool = False, disabled: bool = False) -> Button:
    """Return a button of one line; its label is never markup.

    Args:
        label: what it says.
        name: its id.
        danger: whether it takes something away for good.
        disabled: whether it cannot be pressed yet.
    """
    return Button(
        Content(f" {clean(label)} "),
        id=name,
        variant="error" if danger else "default",
        compact=True,
        disabled=disabled,
    )
