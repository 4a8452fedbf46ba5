"""Drawing no faster than the terminal takes it: over a slow line frames become fewer, not late."""

from __future__ import annotations

from queue import Queue
from typing import Any

from textual.app import App

# Seconds after a frame by which a fast terminal has taken it, and between two looks at one that has not.
_SOON, _AGAIN = 0.01, 0.03


class Pacing:
    """Lets nothing be drawn while frames wait to be sent; what changes meanwhile is drawn once, as it is then.

    Textual 8.2.8 queues up to thirty frames for its writing thread: over 64 kbit/s a key that is held down would
    be followed for many seconds after it was let go.

    Args:
        app: the dashboard.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._looking = False
        self._waiting = False
        self._dropped = False

    def sending(self) -> None:
        """Notice that a frame is sent, or dropped because of the wait."""
        self._dropped = self._dropped or self._waiting
        if not self._looking and self._queue() is not None:
            self._looking = True
            self._app.set_timer(_SOON, self._look)

    def _look(self) -> None:
        if self._is_behind():
            if not self._waiting:
                self._waiting = True
                self._app._begin_batch()
            self._app.set_timer(_AGAIN, self._look)
            return
        self._looking = False
        if self._waiting:
            self._go_on()

    def _go_on(self) -> None:
        dropped, self._waiting, self._dropped = self._dropped, False, False
        self._app._end_batch()
        screen = self._app.screen
        if dropped:
            # A frame of a new layout was made but not sent; what it held is not known any more.
            screen.refresh()
        else:
            screen.check_idle()

    def _is_behind(self) -> bool:
        """Tell whether frames wait."""
        queue = self._queue()
        return queue is not None and not queue.empty()

    def _queue(self) -> Queue[Any] | None:
        """Return the frames that wait; None without a writing thread, as in tests and in a browser."""
        writer = getattr(self._app._driver, "_writer_thread", None)
        return getattr(writer, "_queue", None)
