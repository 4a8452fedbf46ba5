"""What can be done to control planes: dialogs first, then a job."""

from __future__ import annotations

from k3k_tui.operations.announce import announce
from k3k_tui.operations.catalog import OPERATIONS, operate, until_asked
from k3k_tui.operations.operation import Operation

__all__ = ["OPERATIONS", "Operation", "announce", "operate", "until_asked"]
