"""What every tab of the screen can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from textual.containers import Vertical
from textual.widget import Widget

from k3k_tui.operations.copy import copy_text

if TYPE_CHECKING:
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch

# Characters that are copied at most: terminals drop what is longer than they take.
_MOST_COPIED: Final = 70_000


class Pane(Vertical):
    """One tab.

    Args:
        known: everything that is known of the control plane.
    """

    DEFAULT_CSS = """
    Pane { height: 1fr; }
    """
    # Whether it shows what the host's objects say.
    NEEDS_DESCRIPTION: ClassVar[bool] = False

    def __init__(self, known: ControlPlaneWatch) -> None:
        super().__init__()
        self.known = known

    @property
    def target(self) -> Widget:
        """What gets the focus."""
        raise NotImplementedError

    @property
    def verbs(self) -> Mapping[str, Callable[[], None]]:
        """What actions of the screen can ask for here now, such as "filter", and what does it."""
        return {}

    @property
    def copied(self) -> tuple[str, str]:
        """What copying takes from here, and what to call it."""
        raise NotImplementedError

    def copy(self) -> None:
        """Copy what is shown; of very much the end, which is the newest of a log."""
        text, what = self.copied
        copy_text(self.app, text[-_MOST_COPIED:], what=what)

    def opened(self) -> None:
        """The tab is shown from now on."""

    def closed(self) -> None:
        """Another tab is shown, or the screen was left."""

    def news(self) -> None:
        """Something new is known of the control plane; called at most once a tick, and only while shown."""

    def tick(self) -> None:
        """Time has passed; only while shown."""
