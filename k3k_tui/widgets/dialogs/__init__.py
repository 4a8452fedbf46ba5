"""Questions in front of a screen."""

from __future__ import annotations

from k3k_tui.widgets.dialogs.ask import Ask
from k3k_tui.widgets.dialogs.base import Dialog, button
from k3k_tui.widgets.dialogs.choose import Choice, Choose
from k3k_tui.widgets.dialogs.confirm import Confirm, ConfirmByName
from k3k_tui.widgets.dialogs.entries import AskEntries, Entry
from k3k_tui.widgets.dialogs.notice import Notice
from k3k_tui.widgets.dialogs.tick import Tick
from k3k_tui.widgets.dialogs.waiting import GivenUpError, waited

__all__ = [
    "Ask",
    "AskEntries",
    "Choice",
    "Choose",
    "Confirm",
    "ConfirmByName",
    "Dialog",
    "Entry",
    "GivenUpError",
    "Notice",
    "Tick",
    "button",
    "waited",
]
