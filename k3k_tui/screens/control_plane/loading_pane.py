"""A tab that asks the host for what it shows when it is opened, and again when the control plane has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from k3k_tui.screens.control_plane.background import in_background
from k3k_tui.screens.control_plane.pane import Pane
from k3k_tui.screens.control_plane.subject import Loaded

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch

T = TypeVar("T")


class LoadingPane(Pane, Generic[T]):
    """One tab over something that is loaded.

    Args:
        known: everything that is known of the control plane.
    """

    # What is loaded, as the name of the task.
    LOADS: ClassVar[str] = ""

    def __init__(self, known: ControlPlaneWatch) -> None:
        super().__init__(known)
        self._loaded: Loaded[T] = Loaded()
        self._loaded_with: object = None

    def opened(self) -> None:
        """Load it when it is opened for the first time."""
        if self._loaded.value is None and not self._loaded.loading:
            self._load()

    def news(self) -> None:
        """Load it anew when the control plane itself has changed."""
        if (
            self._loaded.value is not None
            and self._control_plane() != self._loaded_with
            and not self._loaded.loading
        ):
            self._load()

    async def ask(self, host: HostApi) -> T:
        """Ask the host for it.

        Raises:
            K3kError: it does not tell.
        """
        raise NotImplementedError

    def _load(self) -> None:
        self._loaded_with = self._control_plane()
        self._loaded = replace(self._loaded, loading=True)
        self._show()
        in_background(self, self._ask, self.LOADS)

    async def _ask(self) -> None:
        self._loaded = await self.known.link.load(self._loaded, self.ask)
        self._show()

    def _show(self) -> None:
        """Show what is loaded."""
        raise NotImplementedError

    def _control_plane(self) -> object:
        row = self.known.subject.row
        return row.control_plane if row is not None else None
